/** The panel Packages: what is installed, with search, a box that attaches a package, its help, and a field to install others. */
import { ILabShell } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';
import { memo, useState } from 'react';

import { followCurrentKernel } from '../current-kernel';
import { moveBetweenRows } from '../row-keys';
import { ShownWidget } from '../shown-widget';
import { useStore } from '../store';
import { PackagesModel, RPackage } from './model';

/** Make the content of the panel. */
export function createPackagesPanel(shell: ILabShell): Widget {
  const model = new PackagesModel();
  followCurrentKernel(shell, kernel => model.use(kernel));
  return new ShownWidget(<Packages model={model} />, shown => model.show(shown));
}

function Packages({ model }: { model: PackagesModel }) {
  useStore(model);
  return (
    <div className="rc2-Packages">
      <h2>Packages</h2>
      <p role="status">{model.message || model.notice}</p>
      {!model.message && (
        <>
          <Install model={model} />
          <input
            type="search"
            aria-label="Search packages"
            placeholder="Search packages"
            value={model.search}
            onChange={event => model.find(event.target.value)}
          />
          <Table model={model} />
        </>
      )}
    </div>
  );
}

function Install({ model }: { model: PackagesModel }) {
  const [names, setNames] = useState('');
  return (
    <>
      <form
        onSubmit={event => {
          event.preventDefault();
          void model.install(names);
        }}
      >
        <input
          aria-label="Packages to install"
          placeholder="Packages to install"
          value={names}
          spellCheck={false}
          onChange={event => setNames(event.target.value)}
        />
        <button disabled={model.isInstalling}>Install</button>
      </form>
      {model.log.length > 0 && (
        <pre tabIndex={0} aria-label="What R says while it installs" ref={node => node?.scrollTo(0, node.scrollHeight)}>
          {model.log.join('\n')}
        </pre>
      )}
    </>
  );
}

function Table({ model }: { model: PackagesModel }) {
  const rows = model.rows();
  const [active, setActive] = useState('');
  const inTabOrder = rows.some(row => row.name === active) ? active : rows[0]?.name;
  return (
    <table onKeyDown={moveBetweenRows}>
      <thead>
        <tr>
          <th scope="col">
            <span className="rc2-hidden">Attached</span>
          </th>
          <th scope="col">Name</th>
          <th scope="col">Version</th>
          <th scope="col">Title</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <Row key={row.name} {...row} tabbable={row.name === inTabOrder} onFocus={setActive} model={model} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps extends RPackage {
  tabbable: boolean;
  onFocus: (name: string) => void;
  model: PackagesModel;
}

/** Rendered again only when it changes. */
const Row = memo(function Row({ tabbable, onFocus, model, ...row }: RowProps) {
  const tabIndex = tabbable ? 0 : -1;
  return (
    <tr onFocus={() => onFocus(row.name)}>
      <td>
        <input
          type="checkbox"
          aria-label={`Attach ${row.name}`}
          tabIndex={tabIndex}
          checked={row.attached}
          onChange={() => void model.toggle(row)}
        />
      </td>
      <th scope="row">
        <button
          className="rc2-view"
          title={`Help of ${row.name}`}
          tabIndex={tabIndex}
          onClick={() => model.showHelp(row.name)}
        >
          {row.name}
        </button>
      </th>
      <td>{row.version}</td>
      <td title={row.title}>{row.title}</td>
    </tr>
  );
});
