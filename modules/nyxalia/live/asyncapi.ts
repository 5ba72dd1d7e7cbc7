import { z } from 'zod';
import { keyProtocolPrefix } from '../../../runtime/contracts/socket.js';
import { clientMessage, serverMessage, topicData, topicNames } from './messages.js';
import { liveProtocol } from './socket-protocol.js';

type Json = Record<string, unknown>;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return own;
}

/** The AsyncAPI 3.0 document of /ws, made from the schemas that the messages are checked with. */
export function liveDocument(version: string): Json {
  const topics = Object.fromEntries(
    topicNames.map((name) => {
      const said = topicData[name];
      const forms = 'state' in said ? { snapshot: said.state, event: said.state } : said;
      return [
        name,
        {
          description: said.about,
          snapshot: schemaOf(forms.snapshot, 'output'),
          event: schemaOf(forms.event, 'output'),
        },
      ];
    }),
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Arkalia-LUNA live data',
      version,
      description: [
        `Subprotocol ${liveProtocol}. The key goes in the header Authorization, or (from a browser) as one more offered subprotocol`,
        `${keyProtocolPrefix}<key>; on the device itself none is needed. Host and Origin are checked as for every request.`,
        'The server says hello, then what is subscribed: first a snapshot, or, with the boot and the last position, the events since.',
        'A client that reads too slowly gets a summary with the number of events left out; after 30 s of it, close code 4408.',
        'Other close codes: 1001 the appliance stops, 4400 too many or malformed messages, 4401 the key is no longer valid.',
      ].join(' '),
    },
    servers: { appliance: { host: '127.0.0.1:8000', protocol: 'ws' } },
    channels: {
      live: {
        address: '/ws',
        servers: [{ $ref: '#/servers/appliance' }],
        messages: {
          fromClient: { name: 'fromClient', payload: schemaOf(clientMessage, 'input') },
          fromServer: { name: 'fromServer', payload: schemaOf(serverMessage, 'output') },
        },
      },
    },
    operations: {
      subscribe: {
        action: 'receive',
        summary: 'What a client may say',
        channel: { $ref: '#/channels/live' },
        messages: [{ $ref: '#/channels/live/messages/fromClient' }],
      },
      tell: {
        action: 'send',
        summary: 'What the appliance says',
        channel: { $ref: '#/channels/live' },
        messages: [{ $ref: '#/channels/live/messages/fromServer' }],
      },
    },
    'x-topics': topics,
  };
}
