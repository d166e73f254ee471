import { z } from 'zod';

// What the page reads of the hub's own OpenAPI document; whatever else is in it is let be.

export interface Schema {
	$ref?: string | undefined;
	type?: string | string[] | undefined;
	format?: string | undefined;
	pattern?: string | undefined;
	const?: unknown;
	enum?: unknown[] | undefined;
	default?: unknown;
	description?: string | undefined;
	minimum?: number | undefined;
	maximum?: number | undefined;
	minLength?: number | undefined;
	maxLength?: number | undefined;
	minItems?: number | undefined;
	maxItems?: number | undefined;
	properties?: Record<string, Schema> | undefined;
	required?: string[] | undefined;
	additionalProperties?: Schema | boolean | undefined;
	items?: Schema | undefined;
	anyOf?: Schema[] | undefined;
	oneOf?: Schema[] | undefined;
}
const Schema: z.ZodType<Schema> = z.lazy(() =>
	z
		.object({
			$ref: z.string(),
			type: z.union([z.string(), z.array(z.string())]),
			format: z.string(),
			pattern: z.string(),
			const: z.unknown(),
			enum: z.array(z.unknown()),
			default: z.unknown(),
			description: z.string(),
			minimum: z.number(),
			maximum: z.number(),
			minLength: z.number(),
			maxLength: z.number(),
			minItems: z.number(),
			maxItems: z.number(),
			properties: z.record(z.string(), Schema),
			required: z.array(z.string()),
			additionalProperties: z.union([z.boolean(), Schema]),
			items: Schema,
			anyOf: z.array(Schema),
			oneOf: z.array(Schema),
		})
		.partial(),
);
export type Schemas = Record<string, Schema>;

const Content = z.record(z.string(), z.object({ schema: Schema, example: z.unknown().optional() }));

const Parameter = z.object({
	in: z.enum(['path', 'query', 'header']),
	name: z.string(),
	required: z.boolean().default(false),
	description: z.string().default(''),
	schema: Schema,
	example: z.unknown().optional(),
});
export type Parameter = z.infer<typeof Parameter>;

const Answer = z.object({
	$ref: z.string().optional(),
	description: z.string().default(''),
	content: Content.default({}),
});
export type Answer = z.infer<typeof Answer>;

const Operation = z.object({
	operationId: z.string(),
	tags: z.array(z.string()),
	summary: z.string(),
	description: z.string().default(''),
	/** Left out: a token or a session; empty: nothing. */
	security: z.array(z.record(z.string(), z.unknown())).optional(),
	parameters: z.array(Parameter).default([]),
	requestBody: z.object({ required: z.boolean(), content: Content }).optional(),
	responses: z.record(z.string(), Answer),
});

export const ApiDocument = z.object({
	info: z.object({ title: z.string(), description: z.string() }),
	tags: z.array(z.object({ name: z.string(), description: z.string() })),
	paths: z.record(z.string(), z.record(z.string(), Operation)),
	components: z.object({ schemas: z.record(z.string(), Schema), responses: z.record(z.string(), Answer) }),
});
export type ApiDocument = z.infer<typeof ApiDocument>;

export type Operation = z.infer<typeof Operation> & { method: string; path: string };

/** The operations of each resource, in the document's order; with `q` those that have all its words in them. */
export function resourcesOf(document: ApiDocument, q: string) {
	const words = q.toLowerCase().split(/\s+/).filter(Boolean);
	const all = Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]): Operation => ({
			...operation,
			method: method.toUpperCase(),
			path,
		})),
	);
	return document.tags
		.map(({ name, description }) => ({
			name,
			description,
			operations: all.filter(({ tags, method, path, operationId, summary }) => {
				const text = `${method} ${path} ${operationId} ${summary} ${name} ${description}`.toLowerCase();
				return tags[0] === name && words.every((word) => text.includes(word));
			}),
		}))
		.filter(({ operations }) => operations.length > 0);
}

/** The answers with what they refer to. */
export const answersOf = ({ responses }: Operation, document: ApiDocument): [status: string, Answer][] =>
	Object.entries(responses).map(([status, answer]) => [
		status,
		document.components.responses[answer.$ref?.split('/').at(-1) ?? ''] ?? answer,
	]);
