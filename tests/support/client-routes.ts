// Writes client/routes.ts: the OpenAPI document as types, by the domain's own names.
import type { OpenApi } from '#worker/http/openapi/document.ts';
import type { Content, Operation, Schema } from '#worker/http/openapi/schema.ts';

const HEAD = `// Made of the hub's OpenAPI document by \`npm run routes\`, and held to it by a test. Types only: nothing of this reaches a bundle.
import type { z } from 'zod';`;

/** In a body what may be sent, in an answer what comes. */
type Side = 'input' | 'output';

class Writer {
	readonly #moduleOf: ReadonlyMap<string, string>;
	readonly #used = new Map<string, Set<string>>();

	constructor(moduleOf: ReadonlyMap<string, string>) {
		this.#moduleOf = moduleOf;
	}

	imports(): string[] {
		return [...this.#used]
			.sort()
			.map(([module, names]) => `import type { ${[...names].sort().join(', ')} } from '${module}';`);
	}

	route(method: string, path: string, operation: Operation): string {
		const query = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => `'${name}'`);
		const [, answer] = Object.entries(operation.responses).find(([status]) => status.startsWith('2')) ?? [];
		const body = this.#content(operation.requestBody?.content, 'input');
		return [
			`'${method.toUpperCase()} ${path.replace(/^\/api/, '').replace(/\{\w+\}/g, ':')}': {`,
			query.length > 0 && `query: ${query.join(' | ')};`,
			body && `body: ${body};`,
			`answer: ${this.#content(answer?.content, 'output') ?? 'null'};`,
			'};',
		]
			.filter((part) => typeof part === 'string')
			.join(' ');
	}

	#content(content: Content | undefined, side: Side): string | null {
		if (!content) return null;
		const json = content['application/json'];
		if (json) return this.#type(json.schema, side);
		return side === 'input' ? 'Uint8Array' : 'string';
	}

	#type(schema: Schema, side: Side): string {
		const one = (it: Schema) => this.#type(it, side);
		if (schema.$ref) return this.#named(schema.$ref.split('/').at(-1) ?? '', side);
		const either = schema.anyOf ?? schema.oneOf;
		if (either) return either.map(one).join(' | ');
		if (schema.const !== undefined) return JSON.stringify(schema.const);
		if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
		if (Array.isArray(schema.type)) return schema.type.map((type) => one({ ...schema, type })).join(' | ');
		switch (schema.type) {
			case 'array':
				return `(${one(schema.items ?? {})})[]`;
			case 'object':
				return this.#object(schema, side);
			case 'integer':
				return 'number';
			case undefined:
				return 'unknown';
			default:
				return schema.type;
		}
	}

	#object({ properties = {}, required = [], additionalProperties }: Schema, side: Side): string {
		const { items, next_cursor } = properties;
		if (items?.items && next_cursor) return `Page<${this.#type(items.items, side)}>`;
		const names = Object.entries(properties).map(
			([name, schema]) => `${name}${required.includes(name) ? '' : '?'}: ${this.#type(schema, side)};`,
		);
		if (names.length > 0) return `{ ${names.join(' ')} }`;
		return `Record<string, ${typeof additionalProperties === 'object' ? this.#type(additionalProperties, side) : 'never'}>`;
	}

	#named(name: string, side: Side): string {
		const module = this.#moduleOf.get(name);
		if (module === undefined) throw new Error(`${name} is a component and not of the domain`);
		this.#used.set(module, (this.#used.get(module) ?? new Set()).add(name));
		return `z.${side}<typeof ${name}>`;
	}
}

/** `moduleOf`: where each component of the document is exported from. */
export function clientRoutes(document: OpenApi, moduleOf: ReadonlyMap<string, string>): string {
	const writer = new Writer(moduleOf);
	const routes = Object.entries(document.paths)
		.filter(([path]) => path.startsWith('/api/'))
		.flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, operation]) => writer.route(method, path, operation)),
		);
	return [
		HEAD,
		...writer.imports(),
		'',
		'/** Of one kind of item, where there are several. */',
		'type Page<Item> = Item extends unknown ? { items: Item[]; next_cursor: string | null } : never;',
		'',
		`export interface Routes {\n${routes.join('\n')}\n}`,
		'',
	].join('\n');
}
