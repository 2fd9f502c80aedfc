/** The panel Connections: the databases of R as a tree, their rows in the data grid, and their code where the user works. */
import { ILabShell } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';

import { followCurrentKernel } from '../current-kernel';
import { insertCode } from '../insert';
import { ShownWidget } from '../shown-widget';
import { useStore } from '../store';
import { Branch, ConnectionsModel } from './model';

/** Make the content of the panel. */
export function createConnectionsPanel(shell: ILabShell): Widget {
  const model = new ConnectionsModel();
  const insert = (code: string) => model.say(insertCode(shell.currentWidget, code));
  followCurrentKernel(shell, kernel => model.use(kernel));
  return new ShownWidget(<Connections model={model} insert={insert} />, shown => model.show(shown));
}

interface Props {
  model: ConnectionsModel;
  insert: (code: string) => void;
}

function Connections({ model, insert }: Props) {
  useStore(model);
  return (
    <div className="rc2-Connections">
      <h2>Connections</h2>
      <p role="status">{model.message || model.notice}</p>
      <button onClick={() => void model.reload()}>Refresh</button>
      <Branches branches={model.connections} model={model} insert={insert} />
    </div>
  );
}

function Branches({ branches, ...rest }: Props & { branches: Branch[] }) {
  return (
    <ul>
      {branches.map(branch => (
        <li key={`${branch.kind} ${branch.name}`}>
          {branch.kind === 'column' ? (
            <>
              {branch.name} <span className="rc2-kind">{branch.type}</span>
            </>
          ) : (
            <Part branch={branch} {...rest} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Part({ branch, model, insert }: Props & { branch: Branch }) {
  return (
    <>
      <span className="rc2-branch">
        <button aria-expanded={branch.open} onClick={() => void model.toggle(branch)}>
          {branch.name} <span className="rc2-hidden">{branch.kind}</span>
        </button>
        {branch.kind === 'table' && (
          <button aria-label={`View ${branch.name}`} title="Show its rows in a grid" onClick={() => model.view(branch)}>
            View
          </button>
        )}
        {branch.code && (
          <button aria-label={`Insert the code of ${branch.name}`} title={branch.code} onClick={() => insert(branch.code!)}>
            Insert
          </button>
        )}
      </span>
      {branch.open && branch.problem && (
        <p className="rc2-problem" role="alert">
          {branch.problem}
        </p>
      )}
      {branch.open && !branch.problem && !branch.parts && <p>Shown when R is idle.</p>}
      {branch.open && branch.parts?.length === 0 && <p>There is nothing in it that you may read.</p>}
      {branch.open && branch.parts && <Branches branches={branch.parts} model={model} insert={insert} />}
    </>
  );
}
