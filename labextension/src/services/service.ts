/** A shared service as the broker describes it, and the sentences about it. */
export interface Service {
  service: string;
  kind: string;
  display_name: string;
  /** The granted levels, the lowest first. */
  granted: string[];
  level: string;
  role: string;
  /** ISO 8601; empty if it is not attached. */
  expires_at: string;
  state: 'attached' | 'starting' | 'failed' | 'detached';
  message: string;
  contact: string;
  r_code: string;
  python_code: string;
}

/** What the service is now: `attached (read)`. */
export function stateOf(service: Service): string {
  const state = service.state === 'detached' ? 'not attached' : service.state;
  return isRequested(service) && service.level ? `${state} (${service.level})` : state;
}

/** As whom the user's R uses it, and until when; empty if it is not attached. */
export function roleOf(service: Service): string {
  return service.role ? `As ${service.role}${until(service.expires_at)}.` : '';
}

/** Why it is not attached, and whom to ask; empty if there is nothing to say. */
export function reasonOf(service: Service): string {
  const ask = service.granted.length ? '' : `Ask ${service.contact}.`;
  return [service.message, ask].filter(Boolean).join(' ');
}

/** Whether the user has requested it, so that it can be detached. */
export function isRequested(service: Service): boolean {
  return service.state !== 'detached';
}

/** The granted levels at which it can be attached now. */
export function levelsToAttach(service: Service): string[] {
  const running = service.state === 'attached' || service.state === 'starting';
  return service.granted.filter(level => !(running && level === service.level));
}

function until(expiry: string): string {
  if (!expiry) {
    return '';
  }
  const time = new Date(expiry).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return `, until ${time}; renewed while the server runs`;
}
