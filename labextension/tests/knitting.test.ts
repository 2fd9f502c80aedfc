import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Job, KnitClient } from '../src/knit/client';
import { Display, Knitting } from '../src/knit/knitting';
import { NoAnswer } from '../src/no-answer';

const running = (message: string, version: number, chunk = 0) =>
  ({ state: 'running', message, version, chunk, total: 4 }) as Job;
const done = { state: 'done', message: 'trial.html is ready.', output: 'trial.html' } as Job;

/** Answers as the test says. */
class Client implements KnitClient {
  versions: number[] = [];
  documents: string[] = [];

  constructor(private answers: (Job | Error)[]) {}

  async start(): Promise<Job> {
    return this.answer();
  }

  async next(_path: string, version: number): Promise<Job> {
    this.versions.push(version);
    return this.answer();
  }

  async cancel(): Promise<void> {}

  async running(): Promise<string[]> {
    return this.documents;
  }

  private answer(): Job {
    const answer = this.answers.shift();
    if (answer instanceof Error) {
      throw answer;
    }
    return answer!;
  }
}

/** Keeps what the user sees. */
class Shown implements Display {
  lines: string[] = [];

  progress = (message: string, fraction: number) => void this.lines.push(`${message} ${fraction}`);
  end = (job: Job) => void this.lines.push(`end: ${job.message}`);
  refuse = (sentence: string) => void this.lines.push(`refused: ${sentence}`);
}

const atOnce = async () => undefined;

test('a job is followed to its end, with the version of the last answer', async () => {
  const client = new Client([running('R starts.', 1), running('Chunk 3 of 4: late', 2, 3), done]);
  const shown = new Shown();
  await new Knitting(client).start('trial.Rmd', 'html', shown);
  assert.deepEqual(client.versions, [1, 2]);
  assert.deepEqual(shown.lines, ['R starts. 0', 'R starts. 0', 'Chunk 3 of 4: late 0.5', 'end: trial.html is ready.']);
});

test('a refused start is its sentence', async () => {
  const shown = new Shown();
  await new Knitting(new Client([new Error('trial.Rmd is being knitted already.')])).start('trial.Rmd', 'own', shown);
  assert.equal(shown.lines.at(-1), 'refused: trial.Rmd is being knitted already.');
});

test('a server that does not answer for a moment loses no job', async () => {
  const shown = new Shown();
  const client = new Client([running('R starts.', 1), new NoAnswer('Trying again.'), done]);
  await new Knitting(client, atOnce).start('trial.Rmd', 'own', shown);
  assert.equal(shown.lines.at(-1), 'end: trial.html is ready.');
});

test('a server that stays away, or has forgotten the job, ends the display', async () => {
  const shown = new Shown();
  const away = Array.from({ length: 30 }, () => new NoAnswer('Trying again.'));
  await new Knitting(new Client([running('R starts.', 1), ...away]), atOnce).start('trial.Rmd', 'own', shown);
  assert.equal(shown.lines.at(-1), 'refused: Trying again.');
  await new Knitting(new Client([running('R starts.', 1), new Error('Forgotten.')])).start('trial.Rmd', 'own', shown);
  assert.equal(shown.lines.at(-1), 'refused: Forgotten.');
});

test('after a reload of the page a running job is shown again, and no other', async () => {
  const client = new Client([running('Chunk 1 of 4.', 5, 1), done]);
  client.documents = ['trial.Rmd'];
  const knitting = new Knitting(client);
  const shown = new Shown();
  await knitting.resume('other.Rmd', () => shown);
  assert.deepEqual(shown.lines, []);
  await knitting.resume('trial.Rmd', () => shown);
  assert.equal(shown.lines.at(-1), 'end: trial.html is ready.');
});
