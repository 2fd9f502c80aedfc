/** What stands above the rows of a grid: the column, its order and filter, and what is said about the table. */
import { FormEvent } from 'react';

import { useStore } from '../store';
import { GridModel } from './model';
import { describeFilter } from './table';

interface Props {
  model: GridModel;
  /** What is at the cursor. */
  cell: () => string;
  copy: () => void;
}

export function Controls({ model, cell, copy }: Props) {
  useStore(model);
  return (
    <div className="rc2-GridControls">
      <div className="rc2-buttons">
        {model.columns.length > 0 && <ColumnControls model={model} />}
        <button onClick={copy}>Copy</button>
        <button onClick={() => model.refresh()}>Read again</button>
        {[...model.filters.values()].map(filter => {
          const text = describeFilter(filter, model.columns);
          return (
            <button
              key={filter.column}
              aria-label={`Remove the filter ${text}`}
              onClick={() => model.filter({ column: filter.column })}
            >
              {text} ×
            </button>
          );
        })}
      </div>
      <p role="status">{model.message}</p>
      <p role="status" className="rc2-cell">
        {cell()}
      </p>
    </div>
  );
}

function ColumnControls({ model }: { model: GridModel }) {
  const column = model.columns[model.column];
  const isSorted = (descending: boolean) => model.order?.column === model.column && model.order.descending === descending;
  const sort = (descending: boolean) => model.sort(isSorted(descending) ? null : { column: model.column, descending });
  return (
    <>
      <label>
        Column{' '}
        <select value={model.column} onChange={event => model.choose(Number(event.target.value))}>
          {model.columns.map(({ name }, index) => (
            <option key={index} value={index}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {[false, true].map(descending => (
        <button
          key={String(descending)}
          aria-label={`Sort by ${column.name}, ${descending ? 'descending' : 'ascending'}`}
          aria-pressed={isSorted(descending)}
          disabled={!column.sortable}
          onClick={() => sort(descending)}
        >
          {descending ? '▼' : '▲'}
        </button>
      ))}
      <button aria-label={`Statistics of ${column.name}`} onClick={() => void model.summarize()}>
        Statistics
      </button>
      {column.kind && <FilterForm key={`${model.column}${column.kind}`} model={model} />}
    </>
  );
}

/** A form: Enter in one of its fields filters. */
function FilterForm({ model }: { model: GridModel }) {
  const { name, kind } = model.columns[model.column];
  const filter = model.filters.get(model.column);
  const fields = kind === 'text' ? ['contains'] : ['from', 'to'];
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    model.filter({
      column: model.column,
      ...Object.fromEntries(fields.map(field => [field, String(values.get(field)).trim()]))
    });
  };
  return (
    <form className="rc2-buttons" onSubmit={submit}>
      {fields.map(field => (
        <input
          key={field}
          name={field}
          type="search"
          size={kind === 'text' ? 14 : 8}
          placeholder={field}
          aria-label={`${name} ${field}`}
          defaultValue={filter?.[field as 'contains' | 'from' | 'to'] ?? ''}
        />
      ))}
      <button type="submit">Filter</button>
    </form>
  );
}
