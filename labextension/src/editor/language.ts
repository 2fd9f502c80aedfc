/** Colours of R Markdown: Markdown, and in its chunks the language of their engine. */
import { markdown } from '@codemirror/lang-markdown';
import { LanguageDescription, LanguageSupport } from '@codemirror/language';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';

export function languageOf(languages: IEditorLanguageRegistry): LanguageSupport {
  return markdown({
    codeLanguages: info => {
      const engine = /^\{?(\w+)/.exec(info)?.[1] ?? '';
      const language = languages.findBest(engine === 'bash' ? 'shell' : engine, false);
      return !language || language instanceof LanguageDescription ? language : LanguageDescription.of(language);
    }
  });
}
