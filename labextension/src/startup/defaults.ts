/** The defaults of settings, as Ajv fills them in, without compiling their schema. */

export interface Schema {
  [keyword: string]: unknown;
}

type Values = Record<string, unknown>;

/** Keywords of the outermost schema that may refuse an empty object, or choose defaults by what is there. */
const UNUSUAL = [
  '$ref',
  'allOf',
  'anyOf',
  'const',
  'dependencies',
  'enum',
  'if',
  'minProperties',
  'not',
  'oneOf',
  'required'
];

/** The settings of a user who has changed none; null if only a complete validator can tell. */
export function defaultsOf(schema: Schema): Values | null {
  if (schema.type !== 'object' || UNUSUAL.some(keyword => keyword in schema)) {
    return null;
  }
  const values: Values = {};
  fill(schema, values, schema);
  return values;
}

/** Add to a value, in place, what its schema has as defaults; those inside of anyOf, oneOf, not and if are none. */
function fill(schema: Schema, value: unknown, root: Schema): void {
  if (typeof schema.$ref === 'string') {
    fill(resolve(schema.$ref, root), value, root);
  }
  for (const part of (schema.allOf as Schema[] | undefined) ?? []) {
    fill(part, value, root);
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => fill(itemSchema(schema, index), item, root));
  } else if (typeof value === 'object' && value !== null) {
    fillObject(schema, value as Values, root);
  }
}

function fillObject(schema: Schema, value: Values, root: Schema): void {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  for (const [name, property] of Object.entries(properties)) {
    if (value[name] === undefined && property.default !== undefined) {
      value[name] = structuredClone(property.default);
    }
  }
  const patterns = Object.entries((schema.patternProperties ?? {}) as Record<string, Schema>);
  for (const [name, inner] of Object.entries(value)) {
    const matching = patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(name)).map(([, each]) => each);
    const known = name in properties ? [properties[name], ...matching] : matching;
    const schemas = known.length ? known : [schema.additionalProperties];
    schemas.filter(isSchema).forEach(each => fill(each, inner, root));
  }
}

function itemSchema(schema: Schema, index: number): Schema {
  const items = Array.isArray(schema.items) ? (schema.items[index] ?? schema.additionalItems) : schema.items;
  return isSchema(items) ? items : {};
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}

/** The part of the schema to which a reference such as `#/definitions/toolbarItem` points. */
function resolve(reference: string, root: Schema): Schema {
  const parts = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  const found = parts.reduce<unknown>((part, name) => (part as Values | undefined)?.[name], root);
  return isSchema(found) ? found : {};
}
