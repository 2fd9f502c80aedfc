/** What the server sends to a preview, and what it means in words. */

/** A stretch of the page; `line` is where it begins in the document, counted from 1. */
export interface Block {
  key: string;
  state: 'fresh' | 'old' | 'waiting';
  line: number;
}

/** The scripts and styles of a widget, as text. */
export interface Need {
  id: string;
  scripts: string[];
  styles: string[];
  head: string;
}

/** The state of a preview, with what this page does not have yet. */
export interface News {
  blocks: Block[];
  /** The HTML of new blocks, by the part of their keys before the dot. */
  html: Record<string, string>;
  needs: Need[];
  /** The chunk that runs: its line in the document, and its first line. */
  running: { line: number; opening: string } | null;
  /** How many chunks, and stretches of text with R in them, have run, and how many did not need to. */
  ran: number;
  kept: number;
  /** How long they ran. */
  seconds: number;
  /** What the user has to know; empty if all is well. */
  message: string;
  /** What of the document is not made here; empty if nothing. */
  note: string;
}

/** One line for the user. */
export function describe(news: News): string {
  if (news.running) {
    const place = `line ${news.running.line}`;
    return news.running.opening ? `${news.running.opening} in ${place} runs…` : `R in the text of ${place} runs…`;
  }
  if (news.message) {
    return news.message;
  }
  if (news.blocks.some(block => block.state !== 'fresh')) {
    return 'R starts…';
  }
  const chunks = (count: number) => (count === 1 ? '1 chunk' : `${count} chunks`);
  const counts = news.ran
    ? `${chunks(news.ran)} ran in ${news.seconds.toFixed(1)} s, ${news.kept} kept.`
    : `Nothing had to run, ${chunks(news.kept)} kept.`;
  return news.note ? `${counts} ${news.note}` : counts;
}
