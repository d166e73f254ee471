import { Stream } from '#protocol/run-frames.ts';
import { messageOf } from '../../failure.ts';
import { SecretUnavailable } from '../../own-secret.ts';
import type { K8sPolicy, K8sSpec } from '../../policy/k8s.ts';
import { type Executor, NotPrepared, NotReaped, type Task } from '../contract.ts';
import { Cluster } from './cluster.ts';
import { K8sExecution } from './execution.ts';
import { asNotPrepared } from './failure.ts';
import { filesOf } from './files.ts';
import { accessOf } from './kubeconfig.ts';
import { jobOf, nameOf, PLACE, selectorOf } from './manifest.ts';

/** After the agent's death, the pod of a run that cannot be gone on with is waited for so long. */
const REAP_MS = 20_000;
const LOOK_MS = 500;

/** What finds the value of a reference, where the policy gives it to the project. */
type Resolve = (ref: string, project_id: number) => Promise<Buffer>;

/** Jobs of clusters. They outlive the agent: it finds them again by their names. */
export function k8s(policy: K8sPolicy, resolve: Resolve): Executor {
	/** Throws `NotPrepared`. A kubeconfig is never on a disk, and read anew for each run. */
	const open = async ({ kubeconfig_ref, api_server_url }: K8sSpec, project_id: number): Promise<Cluster> => {
		try {
			return new Cluster(accessOf(await resolve(kubeconfig_ref, project_id), policy, api_server_url));
		} catch (error) {
			if (error instanceof SecretUnavailable) throw new NotPrepared(error.message, 'secret_unavailable');
			throw error;
		}
	};
	return {
		seen: () => PLACE,

		async prepare(task, output, stopped) {
			const config = configOf(task);
			const { files, leftOut } = await filesOf(task.dir, task.secrets);
			if (leftOut.length > 0) output.note(Stream.stdout, `uhub: links that a pod cannot be handed: ${someOf(leftOut)}`);
			const cluster = await open(config, task.project_id);
			try {
				await cluster.tryJob(config.namespace, jobOf(task, config, files, policy));
				// Whoever may not see pods could never say what became of one.
				await cluster.pods(config.namespace, selectorOf(task.name));
			} catch (error) {
				throw asNotPrepared(error);
			}
			if (stopped.aborted) throw new NotPrepared('it was stopped before it started');
			const began = { n: 0, mark: null };
			return new K8sExecution({ task, config, policy, files, began, open: () => Promise.resolve(cluster) });
		},

		adopt(task, began) {
			const config = configOf(task);
			return new K8sExecution({
				task,
				config,
				policy,
				files: null,
				began,
				open: () => open(config, task.project_id),
			});
		},

		async reap({ outlives }) {
			if (outlives?.spec.execution.backend !== 'k8s') return;
			const { config } = outlives.spec.execution;
			try {
				const cluster = await open(config, outlives.spec.project_id);
				await cluster.deleteJob(config.namespace, nameOf(outlives.name));
				await cluster.deleteSecret(config.namespace, nameOf(outlives.name));
				const until = performance.now() + REAP_MS;
				while ((await cluster.pods(config.namespace, selectorOf(outlives.name))).pods.length > 0) {
					if (performance.now() > until) throw new Error('its pod does not end');
					await new Promise((done) => setTimeout(done, LOOK_MS));
				}
			} catch (error) {
				throw new NotReaped(`its Job could not be ended: ${messageOf(error)}`);
			}
		},
	};
}

const NAMED = 5;
const someOf = (names: readonly string[]): string =>
	`${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${String(names.length - NAMED)} more` : ''}`;

function configOf({ execution }: Task): K8sSpec {
	if (execution.backend !== 'k8s') throw new NotPrepared('it is not to be carried out in a cluster');
	return execution.config;
}
