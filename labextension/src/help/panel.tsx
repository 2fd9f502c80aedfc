/** The panel Help: R's help with search, links, back and forward; examples run in the user's notebook or console. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { ILatexTypesetter } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { FormEvent, MouseEvent, useEffect, useRef } from 'react';

import { insertCode } from '../insert';
import { runCode } from '../run';
import { useStore } from '../store';
import { HelpModel } from './model';
import { kindOf, titleOf } from './page';
import { Examples, FORMULA, render } from './render';

/** Make the content of the panel. */
export function createHelpPanel(app: JupyterFrontEnd, model: HelpModel, latex: ILatexTypesetter | null): ReactWidget {
  const examples: Examples = {
    run: code => void runCode(app, code).then(notice => model.say(notice)),
    insert: code => model.say(insertCode(app.shell.currentWidget, code))
  };
  return ReactWidget.create(<Help model={model} examples={examples} latex={latex} />);
}

interface Props {
  model: HelpModel;
  examples: Examples;
  latex: ILatexTypesetter | null;
}

function Help({ model, examples, latex }: Props) {
  useStore(model);
  const find = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get('text')).trim();
    if (text) {
      void model.find(text);
    }
  };
  return (
    <div className="rc2-Help">
      <h2>Help</h2>
      <form role="search" onSubmit={find}>
        <input name="text" type="search" aria-label="Search the help of R" placeholder="Topic, package or words" />
        <button type="submit">Search</button>
      </form>
      <div className="rc2-buttons">
        <button aria-label="Back" disabled={!model.canGoBack} onClick={() => model.move(-1)}>
          ◀
        </button>
        <button aria-label="Forward" disabled={!model.canGoForward} onClick={() => model.move(1)}>
          ▶
        </button>
        <button onClick={() => void model.go('/doc/html/packages.html')}>Packages</button>
        <button onClick={() => void model.go('/rc2/vignettes')}>Vignettes</button>
      </div>
      <p role="status">{model.message}</p>
      <PageView model={model} examples={examples} latex={latex} />
    </div>
  );
}

/** The page is not React's: it is made once for each page of R. */
function PageView({ model, examples, latex }: Props) {
  const view = useRef<HTMLDivElement>(null);
  const { page, place } = model;
  useEffect(() => {
    if (!page) {
      return;
    }
    const { nodes, dispose } = render(page, model, examples);
    view.current?.replaceChildren(...nodes);
    view.current?.querySelectorAll<HTMLElement>(`.${FORMULA}`).forEach(formula => void latex?.typeset(formula));
    if (model.isOwn) {
      view.current?.focus();
    }
    return dispose;
  }, [page, model, examples, latex]);
  useEffect(() => {
    const named = place ? view.current?.querySelector(`[data-place="${CSS.escape(place)}"]`) : null;
    if (named) {
      named.scrollIntoView({ block: 'start' });
    } else {
      view.current?.closest('.rc2-Panel')?.scrollTo(0, 0);
    }
  }, [page, place]);
  if (!page) {
    return null;
  }
  const follow = (event: MouseEvent) => {
    const link = (event.target as Element).closest('a')?.getAttribute('href');
    if (link && !link.startsWith('blob:')) {
      event.preventDefault();
      const outside = model.follow(link, page);
      if (outside) {
        window.open(outside, '_blank', 'noopener');
      }
    }
  };
  return (
    <div
      className={`rc2-page rc2-${kindOf(page)}`}
      role="article"
      aria-label={titleOf(page)}
      tabIndex={-1}
      ref={view}
      onClick={follow}
    />
  );
}
