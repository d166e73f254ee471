/** What of JSON Schema this document uses. */
export interface Schema {
	$ref?: string;
	type?: string | string[];
	format?: string;
	pattern?: string;
	const?: unknown;
	enum?: unknown[];
	default?: unknown;
	description?: string;
	minimum?: number;
	maximum?: number;
	minLength?: number;
	maxLength?: number;
	properties?: Record<string, Schema>;
	required?: string[];
	additionalProperties?: Schema | boolean;
	propertyNames?: Schema;
	items?: Schema;
	minItems?: number;
	maxItems?: number;
	anyOf?: Schema[];
	oneOf?: Schema[];
	allOf?: Schema[];
}

export interface Parameter {
	in: 'path' | 'query' | 'header';
	name: string;
	required?: boolean;
	description?: string;
	schema: Schema;
	example?: unknown;
}

export type Content = Record<string, { schema: Schema; example?: unknown }>;

export interface Answer {
	$ref?: string;
	description?: string;
	headers?: Record<string, { description?: string; schema: Schema }>;
	content?: Content;
}

export interface Operation {
	operationId: string;
	tags: string[];
	summary: string;
	description?: string;
	security?: Record<string, string[]>[];
	parameters?: Parameter[];
	requestBody?: { required: boolean; content: Content };
	responses: Record<string, Answer>;
}

export type Schemas = Record<string, Schema>;

const PREFIX = '#/components/schemas/';

/** The schema a reference points to, or itself. */
export function followed(schema: Schema, schemas: Schemas): Schema {
	const target = schema.$ref?.startsWith(PREFIX) ? schemas[schema.$ref.slice(PREFIX.length)] : undefined;
	return target ?? schema;
}
