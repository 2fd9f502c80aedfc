/** Makes what is shown of a page of R's help. */
import { ISanitizer, Sanitizer } from '@jupyterlab/apputils';

import { asBlob } from '../blob';
import { HelpModel } from './model';
import { kindOf, Page, titleOf } from './page';

/** The class of what is to be typeset when the page is shown. */
export const FORMULA = 'rc2-formula';

/** What can be done with the code of examples. */
export interface Examples {
  run: (code: string) => void;
  insert: (code: string) => void;
}

/** The elements of a page, and what is to be called when they are shown no longer. */
export interface Rendered {
  nodes: Node[];
  dispose: () => void;
}

export function render(page: Page, model: HelpModel, examples: Examples): Rendered {
  switch (kindOf(page)) {
    case 'help':
      return { nodes: renderHelp(page, model, examples), dispose: () => undefined };
    case 'vignette':
      return frame(new Blob([withoutScripts(page.text ?? '')], { type: 'text/html;charset=utf-8' }), page, true);
    case 'text':
      return { nodes: [element('pre', { textContent: page.text ?? '', tabIndex: 0 })], dispose: () => undefined };
    case 'file':
      return frame(asBlob(page.data ?? '', page.type), page, false);
  }
}

/** R's HTML without scripts, styles and names that could be JupyterLab's. */
function renderHelp(page: Page, model: HelpModel, examples: Examples): Node[] {
  const { body } = parsed(sanitizer().sanitize(parsed(page.text ?? '').body.innerHTML));
  body.querySelectorAll<HTMLElement>('[id], [name]').forEach(named => {
    named.dataset.place = named.id || (named.getAttribute('name') ?? '');
    named.removeAttribute('id');
    named.removeAttribute('name');
  });
  body.querySelectorAll('img').forEach(image => showPicture(image, page, model));
  body.querySelectorAll('dl:not(:has(> dt))').forEach(list => list.replaceWith(...list.childNodes)); // R has tables in some
  body.querySelectorAll('code.reqn').forEach(markFormula);
  body.querySelectorAll('pre').forEach(code => (code.tabIndex = 0)); // it can be wider than the panel
  body.querySelectorAll('h3').forEach(heading => {
    if (heading.textContent?.trim() === 'Examples') {
      addButtons(heading, examples);
    }
  });
  return [...body.childNodes];
}

/** A parsed page loads and runs nothing. */
function parsed(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html');
}

/** Their frame does not run them, and the browser would log each. */
function withoutScripts(html: string): string {
  const document = parsed(html);
  document.querySelectorAll('script').forEach(script => script.remove());
  return `<!DOCTYPE html>${document.documentElement.outerHTML}`;
}

function sanitizer(): ISanitizer {
  const made = new Sanitizer();
  made.setAllowNamedProperties(true);
  return made;
}

/** The page loads nothing by itself: R has its pictures. The arrows and the logo of R's pages are left out. */
function showPicture(image: HTMLImageElement, page: Page, model: HelpModel): void {
  const source = image.getAttribute('src') ?? '';
  image.removeAttribute('src');
  if (image.matches('.arrow, .toplogo')) {
    (image.closest('a') ?? image).remove();
  } else if (source.startsWith('data:')) {
    image.src = source;
  } else {
    void model.picture(source, page).then(picture => (image.src = picture || 'data:,'));
  }
}

/** R's pages have LaTeX, in lines of its own where it is centred. JupyterLab typesets it between dollars. */
function markFormula(latex: Element): void {
  const delimiter = latex.parentElement?.style.textAlign === 'center' ? '$$' : '$';
  latex.replaceWith(element('span', { className: FORMULA, textContent: delimiter + latex.textContent + delimiter }));
}

/** In place of R's own link, which would run them in R's help server. */
function addButtons(heading: Element, { run, insert }: Examples): void {
  let code = heading.nextElementSibling;
  while (code && code.tagName !== 'PRE') {
    const next: Element | null = code.nextElementSibling;
    code.remove();
    code = next;
  }
  const text = (code?.textContent ?? '').trim();
  if (text) {
    const button = (label: string, use: (code: string) => void) =>
      element('button', { textContent: label, onclick: () => use(text) });
    const buttons = element('p', { className: 'rc2-buttons' });
    buttons.append(button('Run examples', run), button('Insert examples', insert));
    heading.after(buttons);
  }
}

/** A file in a frame of its own. A vignette runs no scripts there and cannot reach JupyterLab. */
function frame(file: Blob, page: Page, isConfined: boolean): Rendered {
  const url = URL.createObjectURL(file);
  const shown = element('iframe', { title: titleOf(page) });
  if (isConfined) {
    shown.sandbox.value = 'allow-popups';
  }
  shown.src = url;
  const open = element('a', { href: url, target: '_blank', rel: 'noopener', textContent: 'Open in a tab of the browser' });
  const line = element('p', {});
  line.append(open);
  return { nodes: isConfined ? [shown] : [line, shown], dispose: () => URL.revokeObjectURL(url) };
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>
): HTMLElementTagNameMap[Name] {
  return Object.assign(document.createElement(name), properties);
}
