import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import Ajv from 'ajv';

import { defaultsOf, Schema } from '../src/startup/defaults';
import { LazyValidator } from '../src/startup/validator';

const SCHEMAS = join(__dirname, '../../../../.venv/share/jupyter/lab/schemas/@jupyterlab');

const ajv = new Ajv({ strict: false, useDefaults: true });

/** What JupyterLab's own validator makes of the settings of a user who has changed none. */
function byAjv(schema: Schema): unknown {
  const values = {};
  assert.equal(ajv.compile(schema)(values), true);
  return values;
}

function schemas(): [string, Schema][] {
  const folders = readdirSync(SCHEMAS).map(name => join(SCHEMAS, name));
  const files = folders.flatMap(folder => readdirSync(folder).map(name => join(folder, name)));
  const settings = files.filter(file => file.endsWith('.json') && !file.endsWith('package.json.orig'));
  return settings.map(file => [file, JSON.parse(readFileSync(file, 'utf8'))]);
}

test('the defaults of every plugin of JupyterLab are those of its own validator', () => {
  const all = schemas();
  assert.ok(all.length > 50, 'JupyterLab has more plugins with settings');
  for (const [file, schema] of all) {
    assert.deepEqual(defaultsOf(schema), byAjv(schema), file);
  }
});

test('defaults are filled into lists, objects, references and default values themselves', () => {
  const schema: Schema = {
    type: 'object',
    definitions: { button: { type: 'object', properties: { rank: { type: 'number', default: 50 } } } },
    properties: {
      toolbar: { type: 'array', items: { $ref: '#/definitions/button' }, default: [{ name: 'save' }, { rank: 1 }] },
      keys: { type: 'object', additionalProperties: { $ref: '#/definitions/button' }, default: { a: {} } },
      named: { type: 'object', patternProperties: { '^x': { $ref: '#/definitions/button' } }, default: { x1: {}, y: {} } },
      both: { allOf: [{ $ref: '#/definitions/button' }], default: {} },
      either: { anyOf: [{ $ref: '#/definitions/button' }], default: {} },
      pair: { type: 'array', items: [{ $ref: '#/definitions/button' }], default: [{}, {}] },
      unset: { type: 'string' }
    }
  };
  assert.deepEqual(defaultsOf(schema), byAjv(schema));
});

test('a default is another object in each call, as a plugin may change what it gets', () => {
  const schema: Schema = { type: 'object', properties: { list: { default: [] } } };
  assert.notEqual(defaultsOf(schema)?.list, defaultsOf(schema)?.list);
});

test('changed settings, and schemas that may refuse an empty object, go to the complete validator', () => {
  const asked: string[] = [];
  const complete = { validateData: (plugin: { id: string }) => (asked.push(plugin.id), null) };
  const validator = new LazyValidator(() => complete);
  const plugin = (id: string, schema: object, raw: string) => ({ id, schema, raw, version: '1', data: {} }) as never;
  validator.validateData(plugin('unchanged', { type: 'object' }, '{}'));
  validator.validateData(plugin('changed', { type: 'object' }, '{"a": 1}'));
  validator.validateData(plugin('required', { type: 'object', required: ['a'] }, '{}'));
  validator.validateData(plugin('no object', { type: 'array' }, '{}'));
  assert.deepEqual(asked, ['changed', 'required', 'no object']);
});
