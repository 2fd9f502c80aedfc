/** A page of R's help as R sends it, and where its links lead. */
export interface Page {
  /** Its path and query on R's help server. */
  address: string;
  type: string;
  /** Of a text. */
  text?: string;
  /** Of any other file, in base64. */
  data?: string;
}

/** Where R's help server would be: it tells links within the help from others. */
const SERVER = 'http://r.invalid';

/** A page of the help with the place in it, or another address of the web. */
export type Target = { address: string; place: string } | { url: string };

/** Where a link of a page leads. */
export function targetOf(link: string, page: Page): Target {
  const url = new URL(link, SERVER + page.address);
  return url.origin === SERVER
    ? { address: url.pathname + url.search, place: decodeURIComponent(url.hash.slice(1)) }
    : { url: url.href };
}

/** What is shown of it: R's own help, which is styled as JupyterLab; a vignette, with a style of its own; a text; or a file. */
export function kindOf(page: Page): 'help' | 'vignette' | 'text' | 'file' {
  if (page.type !== 'text/html') {
    return page.type.startsWith('text/') ? 'text' : 'file';
  }
  return /^\/library\/[^/]*\/doc\/.*\.html?$/i.test(page.address) ? 'vignette' : 'help';
}

/** The title that R gives it, or its file's name. */
export function titleOf(page: Page): string {
  const title = page.type === 'text/html' && /<title>\s*(?:R: )?([^<]*)/i.exec(page.text ?? '')?.[1].trim();
  return title || decodeURIComponent(page.address.replace(/^.*\//, ''));
}
