import { z } from 'zod';
import { EnvName } from './common.ts';
import { SecretRef } from './secret-ref.ts';

export const PARAMETERS_MAX = 50;
export const VALUE_MAX = 4096;

export const Value = z
	.string()
	.max(VALUE_MAX)
	.refine((v) => !v.includes('\0'), 'must not hold a NUL');

/** Values as they are kept and handed over: text by name. */
export const Parameters = z
	.record(
		EnvName,
		Value.refine((v) => !v.startsWith('-'), 'must not start with a dash'),
	)
	.refine((p) => Object.keys(p).length <= PARAMETERS_MAX, `at most ${String(PARAMETERS_MAX)} parameters`);
/** Values that were checked against a schema, which may allow what `Parameters` does not. */
export const ParameterValues = z
	.record(EnvName, Value)
	.refine((p) => Object.keys(p).length <= PARAMETERS_MAX, `at most ${String(PARAMETERS_MAX)} parameters`);
export type ParameterValues = z.infer<typeof ParameterValues>;
/** References of secret parameters, by name. */
export const SecretParameters = z.record(EnvName, SecretRef);
export type SecretParameters = z.infer<typeof SecretParameters>;

/** What a request may hold; each value is checked against the job's schema, or as `Parameters` where it has none. */
export const ParameterInput = z
	.record(EnvName, z.union([z.string(), z.number()]))
	.refine((p) => Object.keys(p).length <= PARAMETERS_MAX, `at most ${String(PARAMETERS_MAX)} parameters`);
export type ParameterInput = z.infer<typeof ParameterInput>;
