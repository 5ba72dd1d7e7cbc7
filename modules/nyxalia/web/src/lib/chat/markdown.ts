import { lexer, type Token, type Tokens } from 'marked';

/** What a text may become: nothing here can carry markup, a handler or a picture. */
export type Block =
  | { kind: 'paragraph'; inlines: Inline[] }
  | { kind: 'heading'; level: number; inlines: Inline[] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: { done: boolean | null; blocks: Block[] }[] }
  | { kind: 'code'; text: string; language: string }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' };

export type Inline =
  | { kind: 'text' | 'code'; text: string }
  | { kind: 'strong' | 'em' | 'del'; inlines: Inline[] }
  | { kind: 'link'; href: string; host: string; inlines: Inline[] }
  | { kind: 'break' };

const depthMax = 16;
const charsMax = 200_000;

/**
 * Reads Markdown into a tree of plain values. HTML stays the text that it is, a picture becomes its description, and a link leads only to
 * http, https or mailto. What is nested too deeply or is too long is shown as it was written.
 */
export function readMarkdown(text: string): Block[] {
  if (text.length > charsMax || nestsTooDeeply(text)) return [plain(text)];
  return blocksOf(lexer(text, { gfm: true }), 0);
}

/** The lexer calls itself for each level, so what could exhaust the stack is not given to it. */
function nestsTooDeeply(text: string): boolean {
  return /^[ \t>*+\-\d.)]{200,}/m.test(text) || /[[(*_~!]{100,}/.test(text);
}

function blocksOf(tokens: Token[], depth: number): Block[] {
  if (depth > depthMax) return [plain(tokens.map(({ raw }) => raw).join(''))];
  return tokens.flatMap((token) => blockOf(token, depth));
}

function blockOf(token: Token, depth: number): Block[] {
  switch (token.type) {
    case 'space':
    case 'def':
      return [];
    case 'heading': {
      const { depth: level, tokens } = token as Tokens.Heading;
      return [{ kind: 'heading', level, inlines: inlinesOf(tokens, depth) }];
    }
    case 'code': {
      const { text, lang = '' } = token as Tokens.Code;
      return [{ kind: 'code', text, language: /^[\w+#.-]{1,20}/.exec(lang)?.[0] ?? '' }];
    }
    case 'blockquote':
      return [{ kind: 'quote', blocks: blocksOf((token as Tokens.Blockquote).tokens, depth + 1) }];
    case 'list': {
      const { ordered, start, items } = token as Tokens.List;
      return [
        {
          kind: 'list',
          ordered,
          start: typeof start === 'number' ? start : 1,
          items: items.map(({ task, checked, tokens }) => ({
            done: task ? checked === true : null,
            blocks: blocksOf(tokens, depth + 1),
          })),
        },
      ];
    }
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      const cell = ({ tokens }: Tokens.TableCell) => inlinesOf(tokens, depth);
      return [{ kind: 'table', head: header.map(cell), rows: rows.map((row) => row.map(cell)) }];
    }
    case 'hr':
      return [{ kind: 'rule' }];
    case 'paragraph':
    case 'text': {
      const { tokens, text } = token as Tokens.Paragraph;
      const inlines: Inline[] =
        tokens === undefined ? [{ kind: 'text', text: decoded(text) }] : inlinesOf(tokens, depth);
      return [{ kind: 'paragraph', inlines }];
    }
    case 'checkbox':
      return [];
    default:
      return [plain(token.raw.trimEnd())];
  }
}

function inlinesOf(tokens: Token[], depth: number): Inline[] {
  if (depth > depthMax) return [{ kind: 'text', text: tokens.map(({ raw }) => raw).join('') }];
  return tokens.flatMap((token): Inline[] => {
    switch (token.type) {
      case 'strong':
      case 'em':
      case 'del':
        return [{ kind: token.type, inlines: inlinesOf((token as Tokens.Strong).tokens, depth + 1) }];
      case 'codespan':
        return [{ kind: 'code', text: (token as Tokens.Codespan).text }];
      case 'br':
        return [{ kind: 'break' }];
      case 'escape':
        return [{ kind: 'text', text: (token as Tokens.Escape).text }];
      case 'link': {
        const { href, tokens: inner } = token as Tokens.Link;
        const inlines = inlinesOf(inner, depth + 1);
        const target = safeTarget(href);
        return target === null ? inlines : [{ kind: 'link', ...target, inlines }];
      }
      case 'image': {
        const { text, href } = token as Tokens.Image;
        const target = safeTarget(href);
        const inlines: Inline[] = [{ kind: 'text', text: text === '' ? href : decoded(text) }];
        return target === null ? inlines : [{ kind: 'link', ...target, inlines }];
      }
      case 'text': {
        const { text, tokens: inner } = token as Tokens.Text;
        return inner === undefined ? [{ kind: 'text', text: decoded(text) }] : inlinesOf(inner, depth + 1);
      }
      default:
        return [{ kind: 'text', text: token.raw }];
    }
  });
}

/** Null for anything but http, https and mailto. */
function safeTarget(href: string): { href: string; host: string } | null {
  const target = URL.canParse(href) ? new URL(href) : null;
  if (target === null || !['http:', 'https:', 'mailto:'].includes(target.protocol)) return null;
  return { href: target.href, host: target.host };
}

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

/** The few entities that models write; as text, which is never read as markup again. */
function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => entities[name] ?? whole);
}

function plain(text: string): Block {
  return { kind: 'paragraph', inlines: [{ kind: 'text', text }] };
}
