import { z } from 'zod';
import { EnvName } from './common.ts';

export const ExecutionBackend = z.enum(['local', 'docker', 'webhook', 'ssh', 'k8s', 'serverless']);
export type ExecutionBackend = z.infer<typeof ExecutionBackend>;

/** A local run: child processes of the agent, in a directory of the run's own unless the agent's policy allows `cwd`. */
export const LocalConfig = z.strictObject({
	cwd: z.string().min(1).max(1024).startsWith('/', 'expected an absolute path').optional(),
	env: z.record(EnvName, z.string().max(4096)).optional(),
	limits: z
		.strictObject({ memory_mib: z.int().min(16).max(1_048_576), pids: z.int().min(4).max(65_536) })
		.partial()
		.optional(),
});
export type LocalConfig = z.infer<typeof LocalConfig>;

/** The strict schema of a backend's configuration; backends this version does not carry out take none. */
export function backendConfig(backend: ExecutionBackend | null): z.ZodType<Record<string, unknown>> {
	return backend === 'local' ? LocalConfig : z.strictObject({});
}
