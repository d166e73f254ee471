import { z } from 'zod';
import { ExecutionBackend } from './backend.ts';
import { editable, Id, Name, Text } from './common.ts';
import { Role } from './user.ts';

export const EnvironmentType = z.enum(['dev', 'test', 'staging', 'prod', 'other']);
export type EnvironmentType = z.infer<typeof EnvironmentType>;

/** Who may run here, beyond the general rule. An empty list of roles means: the general rule alone. */
export const Protection = z.strictObject({
	requires_approval: z.boolean(),
	allowed_roles: z.array(Role).max(4),
	/** Everybody needs approval here, also who may run in production alone. */
	four_eyes: z.boolean().optional(),
	/** How many others have to approve; 1 where it is left out. */
	approvals: z.int().min(1).max(5).optional(),
	/** Seconds a request stands, a day where it is left out. */
	approval_ttl_s: z.int().min(60).max(2_592_000).optional(),
});
export type Protection = z.infer<typeof Protection>;

export const Environment = z.object({
	id: Id,
	project_id: Id,
	name: z.string(),
	description: z.string().nullable(),
	type: EnvironmentType,
	protection: Protection,
	/** Null: its project's, with that one's configuration. */
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
	...editable,
});
export type Environment = z.infer<typeof Environment>;

const fields = {
	name: Name(60),
	description: Text(2000).nullable(),
	type: EnvironmentType,
	protection: Protection,
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
};

export const EnvironmentCreate = z.strictObject({
	...fields,
	description: fields.description.default(null),
	protection: Protection.optional(),
	execution_backend: fields.execution_backend.default(null),
	execution_backend_config: fields.execution_backend_config.default(null),
});
export type EnvironmentCreate = z.infer<typeof EnvironmentCreate>;

export const EnvironmentPatch = z.strictObject(fields).partial();
export type EnvironmentPatch = z.infer<typeof EnvironmentPatch>;

/** What a new environment of a type is protected by. */
export const defaultProtection = (type: EnvironmentType): Protection => ({
	requires_approval: type === 'prod',
	allowed_roles: [],
});
