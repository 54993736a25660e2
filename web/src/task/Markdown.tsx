/**
 * Markdown as React elements.
 *
 * Invariant: nothing is ever set as markup, and nothing is loaded: pictures are shown as links.
 */
import { Marked, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useModel } from "../workspace/context";

const MENTION = /^@\[(user_[0-9a-f-]{36})\]/;
const KEY = /^[A-Z][A-Z0-9]*-[1-9]\d*(?![\p{L}\p{N}_-])/u;
const KEY_WITHIN = /(?<![\p{L}\p{N}_/.#-])[A-Z][A-Z0-9]*-[1-9]/u;

const markdown = new Marked({
  breaks: true, // who presses Enter once means a new line
  extensions: [
    {
      name: "mention",
      level: "inline",
      start: (text) => text.indexOf("@["),
      tokenizer(text) {
        const found = MENTION.exec(text);
        return found ? { type: "mention", raw: found[0], id: found[1] } : undefined;
      },
    },
    {
      name: "key",
      level: "inline",
      start: (text) => KEY_WITHIN.exec(text)?.index,
      tokenizer(text) {
        const found = KEY.exec(text);
        return found ? { type: "key", raw: found[0] } : undefined;
      },
    },
  ],
});

export const Markdown = memo(({ text }: { text: string }) => <div className="prose-tutti wrap-anywhere">{blocks(markdown.lexer(text))}</div>);

function Mention({ id }: { id: string }) {
  const model = useModel();
  const name = model.members.find(({ user }) => user.id === id)?.user.name ?? "somebody";
  return <span className={`rounded px-1 font-medium ${model.me?.user.id === id ? "bg-accent text-accent-text" : "bg-soft"}`}>@{name}</span>;
}

/** What looks like the key of a task leads to it, if there is one: on the page where it is read, with its filters. */
function Key({ text }: { text: string }) {
  const task = useModel().tasks.find(({ key }) => key === text);
  const [path] = useLocation();
  const search = useSearch();
  return task ? <Link href={`${path.replace(/[^/]*$/, text)}${search && `?${search}`}`} title={task.title}>{text}</Link> : text;
}

const blocks = (tokens: readonly Token[] | undefined): ReactNode => tokens?.map((token, at) => <Fragment key={at}>{shown(token)}</Fragment>);

function shown(token: Token): ReactNode {
  const inner = (): ReactNode => blocks((token as { tokens?: Token[] }).tokens);
  switch (token.type) {
    case "heading": return <h3>{inner()}</h3>;
    case "paragraph": return <p>{inner()}</p>;
    case "strong": return <strong>{inner()}</strong>;
    case "em": return <em>{inner()}</em>;
    case "del": return <del>{inner()}</del>;
    case "codespan": return <code>{(token as Tokens.Codespan).text}</code>;
    case "code": return <pre tabIndex={0}><code>{(token as Tokens.Code).text}</code></pre>;
    case "blockquote": return <blockquote>{inner()}</blockquote>;
    case "hr": return <hr />;
    case "br": return <br />;
    case "list": {
      const list = token as Tokens.List;
      const items = list.items.map((item, at) => <li key={at} className={item.task ? "is-task" : undefined}>{item.task && (item.checked ? "☑ " : "☐ ")}{blocks(item.tokens)}</li>);
      return list.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "link": case "image": {
      const { href, text } = token as Tokens.Link;
      return /^(https?:|mailto:)/i.test(href) ? <a href={href} rel="noreferrer noopener" target="_blank">{text || href}</a> : text;
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      return (
        <div tabIndex={0} role="group" aria-label="Table" className="overflow-x-auto">
          <table><thead><tr>{header.map((cell, at) => <th key={at}>{blocks(cell.tokens)}</th>)}</tr></thead>
            <tbody>{rows.map((row, at) => <tr key={at}>{row.map((cell, column) => <td key={column}>{blocks(cell.tokens)}</td>)}</tr>)}</tbody></table>
        </div>
      );
    }
    case "mention": return <Mention id={(token as { id?: string }).id ?? ""} />;
    case "key": return <Key text={token.raw} />;
    case "checkbox": case "space": return null;
    case "text": return (token as Tokens.Text).tokens ? inner() : plain((token as Tokens.Text).text);
    case "escape": return (token as Tokens.Escape).text;
    default: return token.raw;
  }
}

const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

/** marked escapes some texts for HTML, which this is not. */
const plain = (text: string): string => text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);
