import { z } from 'zod';

// Apart from the configurations: whoever shows a project needs these words, and only its settings need those schemas.

export const ExecutionBackend = z.enum(['local', 'docker', 'webhook', 'ssh', 'k8s', 'serverless']);
export type ExecutionBackend = z.infer<typeof ExecutionBackend>;

/** Those that are a request to somebody else: what is to be done is known there, so such a job has no scripts. */
export const isRequest = (backend: string): boolean => backend === 'webhook' || backend === 'serverless';

/** Whether the hub itself sends it, and no agent. */
export const isByHub = (backend: string, config: Record<string, unknown> | null): boolean =>
	isRequest(backend) && config?.via !== 'agent';

/** Where something runs: of a project, of an environment that does not take its project's, of a job that has neither. */
export interface Execution {
	execution_backend: ExecutionBackend | null;
	execution_backend_config: Record<string, unknown> | null;
}

/** What a run takes, whole: its environment's, else its project's, else its job's. A job cannot leave what its project chose. */
export const executionOf = (project: Execution, environment: Execution | null | undefined, job: Execution): Execution =>
	[environment, project].find((e) => e && e.execution_backend !== null) ?? job;
