/** The panel Plots: the plots of this R, one of them as large as there is room, and what can be done with it. */
import { ILabShell } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { FormEvent, KeyboardEvent, useEffect, useRef, useState } from 'react';

import { asBlob, download } from '../blob';
import { followCurrentKernel } from '../current-kernel';
import { ShownWidget } from '../shown-widget';
import { useStore } from '../store';
import { Format, Plot, PlotsModel } from './model';

const TYPES: Record<Format, string> = { png: 'image/png', svg: 'image/svg+xml', pdf: 'application/pdf' };

/** Make the content of the panel. */
export function createPlotsPanel(shell: ILabShell): Widget {
  const model = new PlotsModel(() => window.devicePixelRatio);
  followCurrentKernel(shell, kernel => model.use(kernel));
  return new ShownWidget(<Plots model={model} />, shown => model.show(shown));
}

function Plots({ model }: { model: PlotsModel }) {
  useStore(model);
  const [saving, setSaving] = useState(false);
  const { current, place, plots } = model;
  return (
    <div className="rc2-Plots">
      <h2>Plots</h2>
      {!current && <p role="status">{model.message}</p>}
      {current && (
        <>
          <div className="rc2-buttons">
            <button aria-label="Previous plot" disabled={place === 0} onClick={() => model.choose(place - 1)}>
              ◀
            </button>
            <button aria-label="Next plot" disabled={place === plots.length - 1} onClick={() => model.choose(place + 1)}>
              ▶
            </button>
            <button onClick={() => void copy(model)}>Copy</button>
            <button aria-expanded={saving} onClick={() => setSaving(!saving)}>
              Save…
            </button>
            <button onClick={() => void model.remove([current])}>Remove</button>
            <button onClick={() => void removeAll(model)}>Remove all</button>
          </div>
          {saving && <SaveForm model={model} />}
          <p role="status">
            {`Plot ${place + 1} of ${plots.length}: `}
            <code>{current.code}</code> {model.notice}
          </p>
          <Picture model={model} alt={describe(current, place)} />
          {plots.length > 1 && <Thumbnails model={model} />}
        </>
      )}
    </div>
  );
}

/** As large as there is room; R draws it again when that changes. */
function Picture({ model, alt }: { model: PlotsModel; alt: string }) {
  const room = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      if (width && height) {
        model.resize({ width: Math.floor(width), height: Math.floor(height) });
      }
    });
    observer.observe(room.current as Element);
    return () => observer.disconnect();
  }, [model]);
  return (
    <div className="rc2-picture" ref={room}>
      {model.problem && (
        <p className="rc2-problem" role="alert">
          {model.problem}
        </p>
      )}
      {model.picture && <img src={`data:image/png;base64,${model.picture}`} alt={alt} />}
    </div>
  );
}

/** The arrow keys move between the plots; one of them is in the order of the Tab key. */
function Thumbnails({ model }: { model: PlotsModel }) {
  const list = useRef<HTMLUListElement>(null);
  const { place, plots } = model;
  useEffect(() => {
    list.current?.children[place]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [place, plots]);
  const move = (event: KeyboardEvent) => {
    const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: plots.length - 1 }[event.key];
    if (next !== undefined && plots[next]) {
      event.preventDefault();
      model.choose(next);
      list.current?.children[next].querySelector('button')?.focus();
    }
  };
  return (
    <ul className="rc2-thumbnails" aria-label="All plots" ref={list} onKeyDown={move}>
      {plots.map((plot, index) => (
        <li key={plot.number}>
          <Thumbnail model={model} plot={plot} place={index} />
        </li>
      ))}
    </ul>
  );
}

/** R draws it when it comes into sight. */
function Thumbnail({ model, plot, place }: { model: PlotsModel; plot: Plot; place: number }) {
  const button = useRef<HTMLButtonElement>(null);
  const name = describe(plot, place);
  useEffect(() => {
    const observer = new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && model.see(plot));
    observer.observe(button.current as Element);
    return () => observer.disconnect();
  }, [model, plot]);
  const picture = model.thumbnail(plot);
  return (
    <button
      ref={button}
      aria-label={name}
      aria-current={place === model.place}
      title={name}
      tabIndex={place === model.place ? 0 : -1}
      onClick={() => model.choose(place)}
    >
      {picture ? <img src={`data:image/png;base64,${picture}`} alt="" /> : place + 1}
    </button>
  );
}

/** Pixels are 300 to the inch. */
function SaveForm({ model }: { model: PlotsModel }) {
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    const format = values.get('format') as Format;
    const data = await model.file(format, Number(values.get('width')), Number(values.get('height')));
    if (data) {
      download(asBlob(data, TYPES[format]), `plot-${model.place + 1}.${format}`);
      model.say('Saved.');
    }
  };
  return (
    <form className="rc2-buttons" aria-label="Save the plot" onSubmit={event => void save(event)}>
      <label>
        Format{' '}
        <select name="format">
          {(Object.keys(TYPES) as Format[]).map(format => (
            <option key={format} value={format}>
              {format.toUpperCase()}
            </option>
          ))}
        </select>
      </label>
      {[
        ['width', 7],
        ['height', 5]
      ].map(([side, inches]) => (
        <label key={side}>
          {side === 'width' ? 'Width' : 'Height'} in inches{' '}
          <input name={String(side)} type="number" min="1" max="50" step="0.1" required defaultValue={inches} />
        </label>
      ))}
      <button type="submit">Save</button>
    </form>
  );
}

function describe(plot: Plot, place: number): string {
  return `Plot ${place + 1}: ${plot.code}`;
}

async function copy(model: PlotsModel): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': asBlob(model.picture, 'image/png') })]);
    model.say('Copied.');
  } catch {
    model.say('The browser has not allowed to copy.');
  }
}

async function removeAll(model: PlotsModel): Promise<void> {
  const { button } = await showDialog({
    title: 'Remove all plots?',
    body: 'The notebook keeps its plots.',
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Remove' })]
  });
  if (button.accept) {
    await model.remove(model.plots);
  }
}
