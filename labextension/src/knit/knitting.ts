/** Follows the jobs of documents from their start, or from a reload of the page, to their end. */
import { NoAnswer } from '../no-answer';
import { Format, Job, KnitClient } from './client';

const RETRIES = 20;
const RETRY_DELAY = 3000;

/** Shows the user one job. */
export interface Display {
  /** `fraction` is from 0 to 1. */
  progress(message: string, fraction: number): void;
  end(job: Job): void;
  /** The job could not be started, or is out of sight. */
  refuse(sentence: string): void;
}

export class Knitting {
  private followed = new Set<string>();

  /** `pause` waits some milliseconds. */
  constructor(
    private client: KnitClient,
    private pause: (milliseconds: number) => Promise<void> = milliseconds =>
      new Promise(done => setTimeout(done, milliseconds))
  ) {}

  /** Knit a document, and return when it is ready. */
  async start(path: string, format: Format, display: Display): Promise<void> {
    display.progress('R starts.', 0);
    try {
      const job = await this.client.start(path, format);
      await this.follow(path, job, display);
    } catch (error) {
      display.refuse(error instanceof NoAnswer ? 'Your server does not answer; try again.' : (error as Error).message);
    }
  }

  /** Follow the job of a document that is being knitted, and that this page does not follow yet. */
  async resume(path: string, display: () => Display): Promise<void> {
    const running = await this.client.running().catch((): string[] => []);
    if (running.includes(path) && !this.followed.has(path)) {
      await this.follow(path, await this.client.next(path, -1), display());
    }
  }

  private async follow(path: string, job: Job, display: Display): Promise<void> {
    this.followed.add(path);
    try {
      for (let failures = 0; job.state === 'running';) {
        display.progress(job.message, job.chunk ? (job.chunk - 1) / job.total : 0);
        try {
          job = await this.client.next(path, job.version);
          failures = 0;
        } catch (error) {
          if (!(error instanceof NoAnswer) || ++failures > RETRIES) {
            throw error;
          }
          display.progress(error.message, 0);
          await this.pause(RETRY_DELAY);
        }
      }
      display.end(job);
    } catch (error) {
      display.refuse((error as Error).message);
    } finally {
      this.followed.delete(path);
    }
  }
}
