/** The panel Services: what is attached, as whom, until when; buttons to change it, and the lines of R and Python that use it. */
import { ILabShell } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';
import { Widget } from '@lumino/widgets';

import { insertCode } from '../insert';
import { ShownWidget } from '../shown-widget';
import { useStore } from '../store';
import { HttpServicesClient } from './client';
import { ServicesModel } from './model';
import { isRequested, levelsToAttach, reasonOf, roleOf, Service, stateOf } from './service';

/** Make the content of the panel. */
export function createServicesPanel(settings: ServerConnection.ISettings, shell: ILabShell): Widget {
  const model = new ServicesModel(new HttpServicesClient(settings));
  const insert = (code: string) => model.say(insertCode(shell.currentWidget, code));
  return new ShownWidget(<Services model={model} insert={insert} />, shown => model.show(shown));
}

function Services({ model, insert }: { model: ServicesModel; insert: (code: string) => void }) {
  useStore(model);
  return (
    <div className="rc2-Services">
      <h2>Services</h2>
      {model.problem && (
        <p className="rc2-problem" role="alert">
          {model.problem}
        </p>
      )}
      {model.services?.length === 0 && <p>This hub offers no shared services.</p>}
      <ul>
        {model.services?.map(service => (
          <Entry key={service.service} service={service} model={model} insert={insert} />
        ))}
      </ul>
      <p className="rc2-notice" role="status">
        {model.notice}
      </p>
    </div>
  );
}

interface EntryProps {
  service: Service;
  model: ServicesModel;
  insert: (code: string) => void;
}

function Entry({ service, model, insert }: EntryProps) {
  const name = service.display_name;
  const busy = model.busy.has(service.service);
  return (
    <li aria-label={name} aria-busy={busy}>
      <h3>{name}</h3>
      <p>
        <span className="rc2-kind">{service.kind}</span>{' '}
        <strong className={`rc2-${service.state}`}>{stateOf(service)}</strong>
      </p>
      {roleOf(service) && <p>{roleOf(service)}</p>}
      {reasonOf(service) && <p>{reasonOf(service)}</p>}
      {service.r_code && (
        <Code
          code={service.r_code}
          label={`Insert the line of R for ${name}`}
          insert={code => insert(`library(rc2)\n${code}`)}
        />
      )}
      {service.python_code && (
        <Code code={service.python_code} label={`Insert the line of Python for ${name}`} insert={insert} />
      )}
      <p className="rc2-buttons">
        {levelsToAttach(service).map(level => (
          <button
            key={level}
            aria-label={`Attach ${name} (${level})`}
            disabled={busy}
            onClick={() => void model.attach(service, level)}
          >
            Attach ({level})
          </button>
        ))}
        {isRequested(service) && (
          <button aria-label={`Detach ${name}`} disabled={busy} onClick={() => void model.detach(service)}>
            Detach
          </button>
        )}
      </p>
    </li>
  );
}

interface CodeProps {
  code: string;
  label: string;
  insert: (code: string) => void;
}

function Code({ code, label, insert }: CodeProps) {
  return (
    <p className="rc2-code">
      <code>{code}</code>
      <button aria-label={label} onClick={() => insert(code)}>
        Insert
      </button>
    </p>
  );
}
