import type { ReactNode } from 'react';
import { Link } from 'react-router';

/**
 * The little of Markdown that these pages use: `##` headings, paragraphs, `-` lists and links. It becomes elements, never
 * HTML, so that whoever edits a file can break no more than its looks.
 */
export function Markdown({ text }: { text: string }) {
  const blocks = text
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .map((block) => block.trim())
    .filter((block) => block !== '');
  return <>{blocks.map((block, index) => blockOf(block, index))}</>;
}

function blockOf(block: string, key: number): ReactNode {
  if (block.startsWith('## ')) return <h2 key={key}>{inline(block.slice(3))}</h2>;
  const lines = block.split('\n');
  if (lines.every((line) => line.startsWith('- '))) {
    return (
      <ul key={key}>
        {lines.map((line) => (
          <li key={line}>{inline(line.slice(2))}</li>
        ))}
      </ul>
    );
  }
  return <p key={key}>{inline(lines.join(' '))}</p>;
}

const LINK = /\[([^\]]+)\]\(([^)\s]+)\)/g;

function inline(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const [whole, label, target] = match as unknown as [string, string, string];
    parts.push(text.slice(from, match.index));
    if (target.startsWith('/'))
      parts.push(<Link key={match.index} to={target}>{label}</Link>); // prettier-ignore
    else if (/^https?:\/\//.test(target))
      parts.push(<a key={match.index} href={target} rel="noreferrer">{label}</a>); // prettier-ignore
    else parts.push(label);
    from = match.index + whole.length;
  }
  parts.push(text.slice(from));
  return parts;
}
