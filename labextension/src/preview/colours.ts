/** The colours of code in a preview: those of JupyterLab's editor, in the theme of the user. */
import { IEditorLanguageRegistry, jupyterHighlightStyle } from '@jupyterlab/codemirror';

/** Code of a chunk or of a block that names its language, as pandoc writes it. */
const CODE = /(<pre class="([\w+.-]+)[^"]*"><code>)([^]*?)(<\/code><\/pre>)/g;
const NAMES: Record<string, string> = { bash: 'shell', sh: 'shell', js: 'javascript', Rcpp: 'c++' };

/** The rules of the colours, and the variables of JupyterLab's theme that these name. */
export function codeStyle(): { rules: string; variables: string[] } {
  const rules = jupyterHighlightStyle.module?.getRules() ?? '';
  return { rules, variables: [...new Set(rules.match(/--jp-[\w-]+/g) ?? [])] };
}

/** The HTML with colours in code of a language that JupyterLab knows. */
export async function withColours(html: string, languages: IEditorLanguageRegistry): Promise<string> {
  let [coloured, end] = ['', 0];
  for (const found of html.matchAll(CODE)) {
    const [all, begin, name, escaped, close] = found;
    coloured += html.slice(end, found.index) + begin + (await highlighted(escaped, name, languages)) + close;
    end = found.index + all.length;
  }
  return coloured + html.slice(end);
}

async function highlighted(escaped: string, name: string, languages: IEditorLanguageRegistry): Promise<string> {
  const language = languages.findBest(NAMES[name] ?? name, false);
  if (!language) {
    return escaped;
  }
  const [code, target] = [document.createElement('textarea'), document.createElement('code')];
  code.innerHTML = escaped; // the text of its entities; nothing in a textarea is an element
  await languages.highlight(code.value, language, target);
  return target.innerHTML;
}
