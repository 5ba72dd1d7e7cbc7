import type { McpServers } from '../../runtime/contracts/mcp.js';
import type { OwnModels } from '../../runtime/contracts/models.js';
import type { Outgoing } from '../../runtime/contracts/outgoing.js';
import type { People } from '../../runtime/contracts/people.js';
import type { States } from '../../runtime/contracts/state.js';

/** Parts of a context that a test has nothing to do with: empty, and whoever asks them for something is refused. */
const refused = () => Promise.reject(new Error('not in this test'));

export const noModels: OwnModels = {
  works: () => [],
  list: refused,
  receive: refused,
  pull: refused,
  verify: refused,
  remove: refused,
  choose: refused,
};

export const noMcp: McpServers = { names: () => [], tools: refused, call: refused, status: () => ({}) };

export const noOutgoing: Outgoing = { get: refused };

export const noPeople: People = {
  listUsers: () => [],
  addUser: refused,
  setPassword: async () => false,
  changePassword: refused,
  removeUser: async () => false,
  login: refused,
  identify: async () => null,
  listLogins: () => [],
  holds: () => false,
  endLogin: async () => false,
};

/** Keeps nothing and undoes nothing. */
export const noStates: States = {
  open: ({ initial }) => ({ current: () => initial, mayChange: () => true, change: async () => {} }),
};
