import type {
	V1Container,
	V1Job,
	V1KeyToPath,
	V1ResourceRequirements,
	V1Secret,
	V1VolumeMount,
} from '@kubernetes/client-node';
import type { K8sPolicy, K8sSpec } from '../../policy/k8s.ts';
import type { Command, Task } from '../contract.ts';
import type { Job } from './answers.ts';
import type { RunFile } from './files.ts';

/** Where a pod finds the run's directory, and its secrets. */
export const PLACE = { dir: '/uhub/work', secrets: '/run/uhub' };

/** How long a finished Job waits for an agent that is away: what it said and how it ended are in it. */
const KEPT_S = 86_400;
const TMP_SIZE = '512Mi';

const AGENT_LABEL = 'uhub.agent';
const RUN_LABEL = 'uhub.run';
export const nameOf = (run: string): string => `uhub-${run}`;
export const selectorOf = (run: string): string => `${RUN_LABEL}=${run}`;
export const containerName = (n: number): string => `step-${String(n)}`;

const labelsOf = ({ name }: Pick<Task, 'name'>) => ({
	[AGENT_LABEL]: name.slice(0, name.indexOf('-')),
	[RUN_LABEL]: name,
});

/** A cluster puts values of variables in the place of `$(NAME)`, and one dollar in that of two. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

type TaskOf = Pick<Task, 'name' | 'commands' | 'cwd' | 'timeout_s' | 'grace_s'>;

/**
 * The Job of a run: one pod, whose containers are its steps, one after the other. All that could lead out of it is named here, and
 * nothing of it comes from a job of the hub. It does not begin by itself. Pure.
 */
export function jobOf(task: TaskOf, config: K8sSpec, files: readonly RunFile[], policy: K8sPolicy): V1Job {
	const labels = labelsOf(task);
	const steps = task.commands.map((command, index) => containerOf(command, index + 1, task.cwd, config, files, policy));
	const secretName = nameOf(task.name);
	const volume = (name: string, of: RunFile['of']) => {
		const items = files.flatMap((file) => (file.of === of ? [itemOf(file)] : []));
		return items.length === 0 ? [] : [{ name, secret: { secretName, items } }];
	};
	return {
		apiVersion: 'batch/v1',
		kind: 'Job',
		metadata: { name: nameOf(task.name), namespace: config.namespace, labels },
		spec: {
			suspend: true,
			// One pod, and never another in its place: a run that may have begun is not begun again.
			backoffLimit: 0,
			parallelism: 1,
			completions: 1,
			podReplacementPolicy: 'Failed',
			podFailurePolicy: {
				rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
			},
			activeDeadlineSeconds: task.timeout_s,
			ttlSecondsAfterFinished: KEPT_S,
			template: {
				metadata: { labels },
				spec: {
					restartPolicy: 'Never',
					automountServiceAccountToken: false,
					...(policy.service_account !== null && { serviceAccountName: policy.service_account }),
					enableServiceLinks: false,
					hostNetwork: false,
					hostPID: false,
					hostIPC: false,
					terminationGracePeriodSeconds: Math.max(1, task.grace_s),
					securityContext: {
						runAsNonRoot: !policy.root,
						...(policy.run_as && { runAsUser: policy.run_as.uid, runAsGroup: policy.run_as.gid }),
						seccompProfile: { type: 'RuntimeDefault' },
					},
					initContainers: steps.slice(0, -1),
					containers: steps.slice(-1),
					volumes: [
						{ name: 'work', emptyDir: {} },
						{ name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: TMP_SIZE } },
						...volume('files', 'dir'),
						...volume('secrets', 'secrets'),
					],
				},
			},
		},
	};
}

function containerOf(
	{ argv, env }: Command,
	n: number,
	cwd: string,
	config: K8sSpec,
	files: readonly RunFile[],
	policy: K8sPolicy,
): V1Container {
	const [program, ...args] = argv;
	return {
		name: containerName(n),
		image: config.image,
		command: [literal(program)],
		args: args.map(literal),
		workingDir: cwd,
		env: Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
		resources: resourcesOf(config, policy),
		securityContext: {
			privileged: false,
			allowPrivilegeEscalation: false,
			capabilities: { drop: ['ALL'] },
			readOnlyRootFilesystem: config.writable_root !== true,
		},
		volumeMounts: [
			{ name: 'work', mountPath: PLACE.dir },
			{ name: 'tmp', mountPath: '/tmp' },
			...topOf(files).map((top): V1VolumeMount => ({
				name: 'files',
				mountPath: `${PLACE.dir}/${top}`,
				subPath: top,
				readOnly: true,
			})),
			...(files.some(({ of }) => of === 'secrets')
				? [{ name: 'secrets', mountPath: PLACE.secrets, readOnly: true }]
				: []),
		],
	};
}

/** What the job asks for, else the most that is allowed. */
const resourcesOf = ({ limits, requests }: K8sSpec, { max }: K8sPolicy): V1ResourceRequirements => ({
	limits: amounts(limits?.cpu ?? max.cpu, limits?.memory ?? max.memory),
	requests: amounts(requests?.cpu, requests?.memory),
});

const amounts = (cpu: string | null | undefined, memory: string | null | undefined): Record<string, string> => ({
	...(cpu && { cpu }),
	...(memory && { memory }),
});

/** The names right below the run's directory, each mounted there by itself: the directory can be written to, they cannot. */
const topOf = (files: readonly RunFile[]): string[] => [
	...new Set(files.flatMap(({ of, path }) => (of === 'dir' ? [path.split('/')[0] ?? ''] : []))),
];

const itemOf = ({ key, path, executable }: RunFile): V1KeyToPath => ({ key, path, mode: executable ? 0o555 : 0o444 });

/** The files of a run, its secrets among them: the cluster keeps them in memory wherever they are used, and removes them with the Job. */
export const secretOf = (task: TaskOf, namespace: string, files: readonly RunFile[], job: Job): V1Secret => ({
	apiVersion: 'v1',
	kind: 'Secret',
	metadata: {
		name: nameOf(task.name),
		namespace,
		labels: labelsOf(task),
		ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, uid: job.metadata.uid }],
	},
	type: 'Opaque',
	immutable: true,
	data: Object.fromEntries(files.map(({ key, bytes }) => [key, bytes.toString('base64')])),
});
