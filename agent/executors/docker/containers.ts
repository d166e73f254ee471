import type { DockerConfig } from '#domain/backend-config.ts';
import type { DockerPolicy } from '../../policy/docker.ts';
import { NotPrepared, type Task } from '../contract.ts';
import { containerName, containerOf, type ContainerLog, limitsOf, logOf, VOLUME, volumeOf } from './container.ts';
import { type Engine, EngineError, type ImageHere } from './engine.ts';
import { archiveOf, ownerOf } from './files.ts';

/** What all of a run's containers have in common. */
interface Basis {
	image: string;
	user: string;
	log: ContainerLog;
}

/** What a run has on the engine: a volume with its files, and a container for each step. Throws `EngineError` and `NotPrepared`. */
export class Containers {
	readonly #engine: Engine;
	readonly #policy: DockerPolicy;
	readonly #tag: string;
	readonly #task: Task;
	readonly #config: DockerConfig;
	#basis: Promise<Basis> | null = null;
	/** For people; null as long as it is not known. */
	image: string | null = null;

	constructor(engine: Engine, policy: DockerPolicy, tag: string, task: Task, config: DockerConfig) {
		this.#engine = engine;
		this.#policy = policy;
		this.#tag = tag;
		this.#task = task;
		this.#config = config;
	}

	/** The first container, and through it the files. */
	async prepare(image: ImageHere, shown: string, engine: 'docker' | 'podman'): Promise<void> {
		this.image = shown;
		const user = this.#config.user ?? image.user;
		this.#basis = Promise.resolve({ image: image.id, user, log: logOf(engine) });
		await this.create(1);
		const name = containerName(this.#task.name, 1);
		const owner = await ownerOf(user, name, this.#engine);
		if (this.#policy.user_required && owner.uid === 0)
			throw new NotPrepared(
				"its user is root, which the agent's policy does not allow (docker.user_required)",
				'refused_by_policy',
			);
		await this.#engine.put(name, VOLUME, archiveOf(this.#task.dir, owner));
	}

	/** For a step that never started. */
	async create(n: number): Promise<void> {
		const command = this.#task.commands[n - 1];
		if (!command) throw new Error(`there is no step ${String(n)}`);
		const name = containerName(this.#task.name, n);
		const basis = await (this.#basis ??= this.#found());
		const made = containerOf(this.#task, command, this.#config, basis, this.#policy, this.#tag);
		try {
			await this.#engine.create(name, made);
		} catch (error) {
			// An earlier process of the agent made it, and came no further.
			if (!(error instanceof EngineError) || error.status !== 409) throw error;
			await this.#engine.remove(name);
			await this.#engine.create(name, made);
		}
		await this.#checkLimits(name);
	}

	async remove(): Promise<void> {
		const { commands, name } = this.#task;
		await Promise.all(commands.map((_, index) => this.#engine.remove(containerName(name, index + 1))));
		await this.#engine.removeVolume(volumeOf(name));
	}

	/** An engine makes a container without the limits that its host cannot hold, and only warns. */
	async #checkLimits(name: string): Promise<void> {
		const asked = Object.entries(limitsOf(this.#config, this.#policy));
		const held = await this.#engine.container(name);
		for (const [limit, value] of asked)
			if (limit !== 'MemorySwap' && held?.limits[limit] !== value)
				throw new NotPrepared(`the engine's host cannot hold its limit ${limit}`);
	}

	/** As the first one has it, of which an earlier process of the agent made it. */
	async #found(): Promise<Basis> {
		const first = await this.#engine.container(containerName(this.#task.name, 1));
		const image = first && (await this.#engine.image(first.image));
		if (!image) throw new NotPrepared('its first container is gone');
		const { name } = await this.#engine.version();
		return { image: image.id, user: this.#config.user ?? image.user, log: logOf(name) };
	}
}
