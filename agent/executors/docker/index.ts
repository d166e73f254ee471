import type { DockerConfig } from '#domain/backend-config.ts';
import { messageOf } from '../../failure.ts';
import type { DockerPolicy } from '../../policy/docker.ts';
import { type Executor, NotPrepared, NotReaped, type Task } from '../contract.ts';
import { agentLabel, PLACE, RUN_LABEL, volumeOf } from './container.ts';
import { Containers } from './containers.ts';
import { Engine } from './engine.ts';
import { DockerExecution } from './execution.ts';
import { asNotPrepared } from './failure.ts';
import { findImage } from './image.ts';

/** Containers of Docker or Podman. They outlive the agent: it finds them again by their names. */
export function docker(policy: DockerPolicy, tag: string): Executor {
	const engine = new Engine(policy.socket);
	const executionOf = (task: Task, began: number) => {
		const containers = new Containers(engine, policy, tag, task, configOf(task));
		return { containers, execution: new DockerExecution(engine, containers, task, began) };
	};
	return {
		seen: () => PLACE,

		async prepare(task, output, stopped) {
			const { containers, execution } = executionOf(task, 0);
			const unlessStopped = () => {
				if (stopped.aborted) throw new NotPrepared('it was stopped before it started');
			};
			try {
				const { name } = await engine.version();
				const { image, shown } = await findImage(configOf(task).image, engine, policy, output, stopped);
				unlessStopped();
				await containers.prepare(image, shown, name);
				unlessStopped();
				return execution;
			} catch (error) {
				// What cannot be removed now is swept at the agent's next start.
				await containers.remove().catch(() => undefined);
				unlessStopped();
				throw asNotPrepared(error);
			}
		},

		adopt: (task, { n }) => executionOf(task, n).execution,

		async reap({ outlives }) {
			try {
				await removeAll((run) => run === outlives?.name);
			} catch (error) {
				throw new NotReaped(`its containers could not be ended: ${messageOf(error)}`);
			}
		},

		sweep: (wanted) => removeAll((run) => !wanted(run)),
	};

	/** Containers of this agent's runs, and their volumes. */
	async function removeAll(unwanted: (run: string) => boolean): Promise<void> {
		const containers = await engine.containers(agentLabel(tag), RUN_LABEL);
		await Promise.all(containers.map(({ id, of }) => (unwanted(of) ? engine.remove(id) : undefined)));
		const volumes = await engine.volumes(volumeOf(`${tag}-`));
		await Promise.all(
			volumes.map((name) => (unwanted(name.slice(volumeOf('').length)) ? engine.removeVolume(name) : undefined)),
		);
	}
}

/** What answers at the socket; throws `EngineError`. */
export const engineOf = (policy: DockerPolicy) => new Engine(policy.socket).version();

function configOf({ execution }: Task): DockerConfig {
	if (execution.backend !== 'docker') throw new NotPrepared('it is not to be carried out in a container');
	return execution.config;
}
