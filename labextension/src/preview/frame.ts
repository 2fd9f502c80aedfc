/** The page inside of the preview's frame. It has no access to JupyterLab or the server: code of the document runs in it. */

/** Runs in the frame, where nothing of this module exists. */
function main(): void {
  const shown = new Map<string, HTMLElement>();
  const html: Record<string, string> = {};
  const page = document.querySelector('main')!;

  /** Scripts that are set as HTML do not run. */
  const withScripts = (element: HTMLElement) =>
    element.querySelectorAll('script').forEach(script => {
      const copy = document.createElement('script');
      Array.from(script.attributes).forEach(({ name, value }) => copy.setAttribute(name, value));
      copy.textContent = script.textContent;
      script.replaceWith(copy);
    });

  const element = (key: string) => {
    const block = document.createElement('div');
    block.className = 'rc2-block';
    page.append(block);
    block.innerHTML = html[key.split('.')[0]];
    withScripts(block);
    return block;
  };

  const load = (need: { scripts: string[]; styles: string[]; head: string }) => {
    need.styles.forEach(text => document.head.append(Object.assign(document.createElement('style'), { textContent: text })));
    document.head.insertAdjacentHTML('beforeend', need.head);
    need.scripts.forEach(text =>
      document.head.append(Object.assign(document.createElement('script'), { textContent: text }))
    );
  };

  const arrange = (blocks: { key: string; state: string; line: number }[]) => {
    const keys = new Set(blocks.map(block => block.key));
    shown.forEach((block, key) => keys.has(key) || (block.remove(), shown.delete(key)));
    let last: HTMLElement | null = null;
    for (const { key, state, line } of blocks) {
      const block = shown.get(key) ?? element(key);
      shown.set(key, block);
      const next: Element | null = last ? last.nextElementSibling : page.firstElementChild;
      if (next !== block) {
        page.insertBefore(block, next);
      }
      block.dataset.state = state;
      block.dataset.line = String(line);
      block.title = state === 'old' ? 'An earlier result; R is not ready with the new one.' : '';
      last = block;
    }
  };

  /** Show the block of the line that the user edits. */
  const follow = (line: number) => {
    const blocks = Array.from(page.children) as HTMLElement[];
    const block = blocks.filter(block => Number(block.dataset.line) <= line && block.offsetHeight).pop();
    const place = block?.getBoundingClientRect();
    if (place && (place.bottom < 0 || place.top > innerHeight)) {
      block!.scrollIntoView({ block: 'center' });
    }
  };

  addEventListener('message', event => {
    if (event.source !== parent) {
      return;
    }
    const { theme, news, line } = event.data;
    Object.entries(theme ?? {}).forEach(([name, value]) => document.documentElement.style.setProperty(name, String(value)));
    if (news) {
      Object.assign(html, news.html);
      news.needs.forEach(load);
      arrange(news.blocks);
      const used = new Set(news.blocks.map((block: { key: string }) => block.key.split('.')[0]));
      Object.keys(html).forEach(key => used.has(key) || delete html[key]);
      (window as { HTMLWidgets?: { staticRender(): void } }).HTMLWidgets?.staticRender();
      follow(line);
    }
  });
  addEventListener('dblclick', event => {
    const block = (event.target as Element).closest<HTMLElement>('.rc2-block');
    parent.postMessage({ line: Number(block?.dataset.line ?? 0) }, '*');
  });
  addEventListener('click', event => {
    const place = (event.target as Element).closest('a')?.getAttribute('href');
    if (place?.startsWith('#')) {
      event.preventDefault(); // it would open a new window
      document.getElementById(decodeURIComponent(place.slice(1)))?.scrollIntoView({ block: 'center' });
    }
  });
  parent.postMessage({ ready: true }, '*');
}

const STYLE = `
:root { color-scheme: var(--scheme, light); }
body { margin: 0; background: var(--background, white); color: var(--text, black); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 12px 24px 60vh; }
h1, h2, h3, h4 { line-height: 1.25; }
h1.title { margin-bottom: 4px; }
.author, .date, .subtitle { margin: 0; opacity: 0.8; }
a { color: var(--link, #1565c0); }
img, video { max-width: 100%; height: auto; }
pre { overflow-x: auto; padding: 8px 10px; border: 1px solid var(--border, #ccc); border-radius: 3px; margin: 8px 0; }
pre.r, pre[class] { background: var(--code, #f5f5f5); }
pre + pre { margin-top: -4px; }
code { font: 13px/1.4 ui-monospace, monospace; }
table { border-collapse: collapse; margin: 8px 0; display: block; overflow-x: auto; }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--border, #ccc); text-align: left; }
blockquote { margin-left: 0; padding-left: 12px; border-left: 3px solid var(--border, #ccc); }
.rc2-block { border-left: 3px solid transparent; margin-left: -15px; padding-left: 12px; }
.rc2-block[data-state=old], .rc2-block[data-state=waiting] { border-left-color: var(--accent, #1976d2); }
.rc2-block[data-state=old] > * { opacity: 0.45; }
.rc2-error > pre { border-color: #d32f2f; border-left-width: 4px; }
`;

/** The page, with the rules of the colours of code. */
export const frameWith = (
  rules: string
): string => `<!doctype html><html lang="en"><head><meta charset="utf-8"><base target="_blank"><title>Preview</title>
<style>${STYLE}${rules}</style></head><body><main></main><script>(${main.toString()})()</script></body></html>`;
