import type { DockerConfig } from '#domain/backend-config.ts';
import type { DockerPolicy } from '../../policy/docker.ts';
import type { Command, Task } from '../contract.ts';
import type { ContainerConfig } from './engine.ts';

/** Where a run's volume is in its containers, and in it the run's directory: the root of a volume cannot be given to a user. */
export const VOLUME = '/uhub';
const DIRECTORY = 'work';
export const PLACE = { dir: `${VOLUME}/${DIRECTORY}`, secrets: '/run/uhub' };

const MIB = 1_048_576;
const TMP_MIB = 512;

const AGENT_LABEL = 'uhub.agent';
export const RUN_LABEL = 'uhub.run';
export const agentLabel = (tag: string): string => `${AGENT_LABEL}=${tag}`;

/** A run's volume; its containers are called so, with the number of their step. */
export const volumeOf = (run: string): string => `uhub-${run}`;
export const containerName = (run: string, n: number): string => `uhub-${run}-step-${String(n)}`;

/** In the engine's units, as its containers have them: what the job asks for, else the most that is allowed. */
export const limitsOf = (config: DockerConfig, { max }: DockerPolicy) => {
	const cpus = config.cpus ?? max.cpus;
	const memory = config.memory_mib ?? max.memory_mib;
	return {
		...(cpus === null ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
		...(memory === null ? {} : { Memory: memory * MIB, MemorySwap: memory * MIB }),
		PidsLimit: config.pids ?? max.pids,
	};
};

export interface Made {
	/** By what it holds. */
	image: string;
	user: string;
	/** How the engine keeps what is said, so that all of it can be read again. */
	log: ContainerLog;
}
export type ContainerLog = { Type: string; Config: Record<string, string> };

/** Without an end to its size: what was rotated away could not be told again. Docker's own format keeps every byte; Podman has one. */
export const logOf = (engine: 'docker' | 'podman'): ContainerLog =>
	engine === 'docker'
		? { Type: 'local', Config: { 'max-size': '1000g', compress: 'false' } }
		: { Type: 'k8s-file', Config: {} };

/** The container of one step. All that could lead out of it is named here, and nothing of it comes from a job. Pure. */
export function containerOf(
	task: Pick<Task, 'name' | 'cwd' | 'secrets'>,
	command: Command,
	config: DockerConfig,
	made: Made,
	policy: DockerPolicy,
	tag: string,
): ContainerConfig {
	const [program, ...args] = command.argv;
	const labels = { [AGENT_LABEL]: tag, [RUN_LABEL]: task.name };
	return {
		Image: made.image,
		Entrypoint: [program],
		Cmd: args,
		User: made.user,
		WorkingDir: task.cwd,
		// The init of the container hands signals on to all that the script started in its group, as they come elsewhere.
		Env: Object.entries({ ...command.env, TINI_KILL_PROCESS_GROUP: '1' }).map(([name, value]) => `${name}=${value}`),
		Labels: labels,
		Healthcheck: { Test: ['NONE'] },
		Tty: false,
		OpenStdin: false,
		AttachStdin: false,
		AttachStdout: true,
		AttachStderr: true,
		HostConfig: {
			...limitsOf(config, policy),
			AutoRemove: false,
			CapDrop: ['ALL'],
			Init: true,
			IpcMode: 'private',
			LogConfig: made.log,
			Mounts: [
				{
					Type: 'volume',
					Source: volumeOf(task.name),
					Target: VOLUME,
					ReadOnly: false,
					VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } },
				},
				...(task.secrets === null
					? []
					: [{ Type: 'bind' as const, Source: task.secrets, Target: PLACE.secrets, ReadOnly: true }]),
			],
			NetworkMode: config.network ?? 'none',
			Privileged: false,
			PublishAllPorts: false,
			ReadonlyRootfs: config.writable_root !== true,
			RestartPolicy: { Name: 'no' },
			SecurityOpt: ['no-new-privileges'],
			Tmpfs: { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${String(TMP_MIB)}m` },
			// What a program held in memory must not lie in its directory.
			Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
		},
	};
}
