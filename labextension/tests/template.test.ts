import assert from 'node:assert/strict';
import { test } from 'node:test';

import { documentWith } from '../src/launcher/template';
import type { Service } from '../src/services/service';

const service = (display_name: string, state: Service['state'], r_code: string): Service =>
  ({ display_name, state, r_code }) as Service;

test('a new document has a section with the line of R for each attached service, and for no other', () => {
  const text = documentWith([
    service('Flights', 'attached', 'con <- rc2_connect("flights")'),
    service('Spark', 'attached', 'con <- rc2_spark()'),
    service('HDFS', 'detached', 'rc2_hdfs_ls()')
  ]);
  assert.match(text, /^---\ntitle: "Untitled"\noutput: html_document\n---\n/);
  assert.match(text, /```\{r setup, include=FALSE\}\nlibrary\(rc2\)\n```/);
  assert.match(
    text,
    /## Flights\n\n```\{r\}\ncon <- rc2_connect\("flights"\)\n```\n\n## Spark\n\n```\{r\}\ncon <- rc2_spark\(\)\n```\n$/
  );
});

test('without an attached service a new document has code that needs none', () => {
  assert.match(documentWith([]), /```\{r\}\nplot\(cars\)\n```\n$/);
  assert.doesNotMatch(documentWith([]), /rc2/);
});
