import { z } from 'zod';

// Apart from the configurations: whoever shows a project needs these words, and only its settings need those schemas.

export const ExecutionBackend = z.enum(['local', 'docker', 'webhook', 'ssh', 'k8s', 'serverless']);
export type ExecutionBackend = z.infer<typeof ExecutionBackend>;

/** The backends that runs can really take in this version; the others can be set up, and are refused when something starts. */
export const carriedOut: readonly ExecutionBackend[] = ['local'];

/** Where something runs: of a project, and of an environment that does not take its project's. */
export interface Execution {
	execution_backend: ExecutionBackend | null;
	execution_backend_config: Record<string, unknown> | null;
}

/** What a run takes: its environment's own backend, whole, or its project's. */
export const executionOf = (project: Execution, environment: Execution | null | undefined): Execution =>
	environment && environment.execution_backend !== null ? environment : project;
