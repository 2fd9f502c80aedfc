/** The panel Environment: the variables of the user's R, with search, order, and a button to remove each. */
import { ILabShell } from '@jupyterlab/application';
import { InputDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { memo, useState } from 'react';

import { viewVariable } from '../grid/open';
import { moveBetweenRows } from '../row-keys';
import { ShownWidget } from '../shown-widget';
import { useStore } from '../store';
import { followCurrentKernel } from '../current-kernel';
import { EnvironmentModel } from './model';
import { Column, sizeOf, Variable } from './variable';

const COLUMNS: [Column, string][] = [
  ['name', 'Name'],
  ['type', 'Type'],
  ['size', 'Size'],
  ['value', 'Value']
];

/** Make the content of the panel. */
export function createEnvironmentPanel(shell: ILabShell): Widget {
  const model = new EnvironmentModel((kernel, name) => viewVariable(shell, kernel, name));
  followCurrentKernel(shell, kernel => model.use(kernel));
  return new ShownWidget(<Environment model={model} />, shown => model.show(shown));
}

function Environment({ model }: { model: EnvironmentModel }) {
  useStore(model);
  return (
    <div className="rc2-Environment">
      <h2>Environment</h2>
      <input
        type="search"
        aria-label="Search variables"
        placeholder="Search variables"
        value={model.search}
        onChange={event => model.find(event.target.value)}
      />
      <p role="status">
        {model.message || (model.total > model.known ? `The first ${model.known} of ${model.total}.` : '')}
      </p>
      {model.notice && <p role="status">{model.notice}</p>}
      {model.isElsewhere && <button onClick={() => model.showHere()}>Show here</button>}
      {model.isOpen && (
        <div className="rc2-buttons">
          <button onClick={() => void withFile('Save the variables', 'Save', file => model.save(file))}>Save…</button>
          <button onClick={() => void withFile('Restore variables', 'Restore', file => model.restore(file))}>
            Restore…
          </button>
        </div>
      )}
      {!model.message && <Table model={model} />}
    </div>
  );
}

/** Ask for the name of a file, and use it. */
async function withFile(title: string, okLabel: string, use: (file: string) => Promise<void>): Promise<void> {
  const label = 'File, in the folder where R works:';
  const { value } = await InputDialog.getText({ title, label, okLabel, text: '.RData' });
  if (value?.trim()) {
    await use(value.trim());
  }
}

function Table({ model }: { model: EnvironmentModel }) {
  const rows = model.rows();
  const [active, setActive] = useState('');
  const names = rows.map(row => row.name);
  const inTabOrder = names.includes(active) ? active : names[0];
  return (
    <table onKeyDown={moveBetweenRows}>
      <thead>
        <tr>
          {COLUMNS.map(([column, title]) => (
            <th key={column} scope="col" aria-sort={directionOf(model, column)}>
              <button onClick={() => model.sort(column)}>{title}</button>
            </th>
          ))}
          <th scope="col">
            <span className="rc2-hidden">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <Row key={row.name} row={row} tabbable={row.name === inTabOrder} onFocus={setActive} model={model} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  row: Variable;
  tabbable: boolean;
  onFocus: (name: string) => void;
  model: EnvironmentModel;
}

/** Rendered again only when R sends this variable, so that a thousand others cost nothing. */
const Row = memo(function Row({ row, tabbable, onFocus, model }: RowProps) {
  return (
    <tr>
      <th scope="row" title={row.name}>
        {row.table ? (
          <button className="rc2-view" title={`View ${row.name}`} onClick={() => model.view(row.name)}>
            {row.name}
          </button>
        ) : (
          row.name
        )}
      </th>
      <td title={row.type}>{row.type}</td>
      <td className="rc2-size">{sizeOf(row)}</td>
      <td title={row.value}>{row.value}</td>
      <td>
        <button
          aria-label={`Remove ${row.name}`}
          title={`Remove ${row.name}`}
          tabIndex={tabbable ? 0 : -1}
          onFocus={() => onFocus(row.name)}
          onClick={event => {
            focusNeighbour(event.currentTarget);
            model.remove(row.name);
          }}
        >
          ×
        </button>
      </td>
    </tr>
  );
});

function directionOf(model: EnvironmentModel, column: Column): 'ascending' | 'descending' | 'none' {
  if (model.order.column !== column) {
    return 'none';
  }
  return model.order.descending ? 'descending' : 'ascending';
}

/** The keyboard continues in the next row, as this one goes away. */
function focusNeighbour(button: HTMLElement): void {
  const row = button.closest('tr');
  (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector('button')?.focus();
}
