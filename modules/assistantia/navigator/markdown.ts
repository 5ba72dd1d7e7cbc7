/** A piece of documentation that can be quoted by itself. */
export interface Passage {
  /** File and anchor, such as `README.md#configuration`. */
  source: string;
  /** Headings above it. */
  title: string;
  text: string;
}

const TEXT_CHARS_MAX = 900;
const TEXT_CHARS_MIN = 20;

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replace(/ /g, '-');

/** Words of a line without the marks around them. */
const plain = (line: string): string =>
  line
    .replace(/<!--.*?-->/g, '')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|`/g, '')
    .trimEnd();

/** Cuts Markdown into passages at headings, and at paragraphs when they grow long. Diagrams and table rules are left out. */
export function splitMarkdown(file: string, markdown: string): Passage[] {
  const passages: Passage[] = [];
  const headings: string[] = [];
  let text = '';
  let fence: { mark: string; diagram: boolean } | undefined;

  const flush = () => {
    const body = text.trim();
    text = '';
    if (body.length < TEXT_CHARS_MIN) return;
    const last = headings.findLast((heading) => heading !== undefined);
    passages.push({
      source: last === undefined ? file : `${file}#${anchor(last)}`,
      title: headings.filter(Boolean).join(' › ') || file,
      text: body,
    });
  };
  const add = (line: string) => {
    if (text.length + line.length > TEXT_CHARS_MAX) flush();
    text += `${line.slice(0, TEXT_CHARS_MAX)}\n`;
  };

  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^\s*(```+|~~~+)\s*(\w*)/.exec(line);
    if (mark && (fence === undefined || line.trim() === fence.mark)) {
      fence = fence === undefined ? { mark: mark[1]!, diagram: mark[2] === 'mermaid' } : undefined;
    } else if (fence !== undefined) {
      if (!fence.diagram) add(line);
    } else {
      const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
      if (heading) {
        flush();
        headings.length = Math.min(headings.length, heading[1]!.length - 1);
        headings[heading[1]!.length - 1] = plain(heading[2]!);
      } else if (!/^\s*\|[\s:|-]+\|?\s*$/.test(line)) {
        if (line.trim() === '' && text.length > TEXT_CHARS_MAX / 2) flush();
        add(plain(line));
      }
    }
  }
  flush();
  return passages;
}
