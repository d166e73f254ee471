import { z } from 'zod';
import { Access } from './access.ts';
import { Color, editable, Id, Name, Text } from './common.ts';
import { ExecutionBackend } from './backend.ts';

export const ProjectStatus = z.enum(['active', 'archived', 'paused']);
export type ProjectStatus = z.infer<typeof ProjectStatus>;

export const Project = z.object({
	id: Id,
	name: z.string(),
	description: z.string().nullable(),
	color: z.string(),
	status: ProjectStatus,
	owner_id: Id,
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
	...editable,
});
export type Project = z.infer<typeof Project>;

/** A project as one person sees it: with what they may do in it. */
export const ProjectView = Project.extend({ access: Access });
export type ProjectView = z.infer<typeof ProjectView>;

const fields = {
	name: Name(80),
	description: Text(2000).nullable(),
	color: Color,
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
};

export const ProjectCreate = z.strictObject({
	...fields,
	description: fields.description.default(null),
	color: fields.color.default('#5b8def'),
	execution_backend: fields.execution_backend.default(null),
	execution_backend_config: fields.execution_backend_config.default(null),
});
export type ProjectCreate = z.infer<typeof ProjectCreate>;

/** Who is to own it from here on: an active person whose role makes projects. */
export const ProjectHandOver = z.strictObject({ owner_id: Id });
export type ProjectHandOver = z.infer<typeof ProjectHandOver>;

export const ProjectPatch = z.strictObject({ ...fields, status: ProjectStatus }).partial();
export type ProjectPatch = z.infer<typeof ProjectPatch>;
