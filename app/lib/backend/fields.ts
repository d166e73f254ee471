import { z } from 'zod';
import type { Execution, ExecutionBackend } from '#domain/backend.ts';
import { backendConfig, executionErrors } from '#domain/backend-config.ts';

/** What a field of a configuration holds: it decides the control. */
export type Kind = 'text' | 'number' | 'choice' | 'flag' | 'list' | 'pairs';

export interface BackendField {
	/** Of the key in the configuration, with dots between keys within keys. */
	path: string;
	kind: Kind;
	optional: boolean;
	/** Of a choice. */
	options: string[];
	/** Of a number, as far as it is bounded. */
	range: { min: number; max: number } | null;
}

function kindOf(schema: unknown): Pick<BackendField, 'kind' | 'options' | 'range'> {
	const plain = { options: [], range: null };
	if (schema instanceof z.ZodNumber) {
		const { minValue: min, maxValue: max } = schema;
		return { ...plain, kind: 'number', range: min === null || max === null ? null : { min, max } };
	}
	if (schema instanceof z.ZodEnum) return { ...plain, kind: 'choice', options: schema.options.map(String) };
	if (schema instanceof z.ZodBoolean) return { ...plain, kind: 'flag' };
	if (schema instanceof z.ZodArray) return { ...plain, kind: 'list' };
	if (schema instanceof z.ZodRecord) return { ...plain, kind: 'pairs' };
	return { ...plain, kind: 'text' };
}

function fieldsIn(schema: unknown, path: string, optional: boolean): BackendField[] {
	if (schema instanceof z.ZodOptional) return fieldsIn(schema.unwrap(), path, true);
	if (schema instanceof z.ZodObject)
		return Object.entries(schema.shape).flatMap(([key, inner]) =>
			fieldsIn(inner, path === '' ? key : `${path}.${key}`, optional),
		);
	return [{ path, optional, ...kindOf(schema) }];
}

/** The fields of a backend's configuration, as its schema has them: a new key there is a new field here. */
export const fieldsOf = (backend: ExecutionBackend | ''): BackendField[] =>
	backend === '' ? [] : fieldsIn(backendConfig(backend), '', false);

export interface Pair {
	name: string;
	value: string;
}

/** A configuration as its form holds it: text by path, the way fields give it. What belongs to another backend stays typed. */
export interface BackendDraft {
	/** '' where none is chosen. */
	backend: ExecutionBackend | '';
	text: Record<string, string>;
	pairs: Record<string, Pair[]>;
}

const Keys = z.record(z.string(), z.unknown());

const valueAt = (config: unknown, path: string): unknown =>
	path.split('.').reduce<unknown>((value, key) => Keys.safeParse(value).data?.[key], config);

const textOf = (value: unknown): string =>
	typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

export function draftOf({ execution_backend, execution_backend_config }: Execution): BackendDraft {
	const draft: BackendDraft = { backend: execution_backend ?? '', text: {}, pairs: {} };
	for (const { path, kind } of fieldsOf(draft.backend)) {
		const value = valueAt(execution_backend_config, path);
		if (kind === 'pairs')
			draft.pairs[path] = Object.entries(Keys.safeParse(value).data ?? {}).map(([name, of]) => ({
				name,
				value: textOf(of),
			}));
		else draft.text[path] = Array.isArray(value) ? value.map(textOf).join('\n') : textOf(value);
	}
	return draft;
}

const written = (pairs: readonly Pair[] = []) => pairs.filter(({ name, value }) => name.trim() !== '' || value !== '');

/** What a field says; undefined where it is left empty. What is no number stays text, so that its schema refuses it. */
function said(draft: BackendDraft, { path, kind }: BackendField): unknown {
	if (kind === 'pairs') {
		const pairs = written(draft.pairs[path]);
		return pairs.length === 0 ? undefined : Object.fromEntries(pairs.map(({ name, value }) => [name.trim(), value]));
	}
	const text = (draft.text[path] ?? '').trim();
	if (text === '') return undefined;
	if (kind === 'flag') return text === 'true' ? true : undefined;
	if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
	if (kind === 'list')
		return text
			.split('\n')
			.map((line) => line.trim())
			.filter((line) => line !== '');
	return text;
}

/** The draft as the API takes it. */
export function executionIn(draft: BackendDraft): Execution {
	const config: Record<string, unknown> = {};
	for (const field of fieldsOf(draft.backend)) {
		const value = said(draft, field);
		if (value === undefined) continue;
		const [key = '', inner] = field.path.split('.');
		config[key] = inner === undefined ? value : { ...Keys.safeParse(config[key]).data, [inner]: value };
	}
	return {
		execution_backend: draft.backend === '' ? null : draft.backend,
		execution_backend_config: Object.keys(config).length === 0 ? null : config,
	};
}

/** Before a path of the configuration, in what the hub says of an error. */
export const CONFIG = 'execution_backend_config';

/** What is wrong with a draft, by path, in the words of its schemas; a name that stands there twice would be lost. */
export function draftErrors(draft: BackendDraft): Record<string, string> {
	const errors = Object.fromEntries(
		executionErrors(executionIn(draft), null).map(({ path, message }) => [path, message]),
	);
	for (const { path, kind } of fieldsOf(draft.backend)) {
		if (kind !== 'pairs') continue;
		const names = written(draft.pairs[path]).map(({ name }) => name.trim());
		for (const name of names)
			if (names.indexOf(name) !== names.lastIndexOf(name)) errors[`${CONFIG}.${path}.${name}`] = 'is there twice';
	}
	return errors;
}

/** The error of a field: its own, or the first of a line or a name in it, which `at` then names. */
export function errorAt(errors: Record<string, string>, path: string): { at: string; message: string } | null {
	const whole = `${CONFIG}.${path}`;
	const own = errors[whole];
	if (own !== undefined) return { at: '', message: own };
	const inner = Object.entries(errors).find(([key]) => key.startsWith(`${whole}.`));
	return inner ? { at: inner[0].slice(whole.length + 1), message: inner[1] } : null;
}
