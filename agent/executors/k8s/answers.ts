import { z } from 'zod';

// What is read of a cluster's answers: the parts a run needs, of API versions v1 and batch/v1.

const State = z.looseObject({
	waiting: z.looseObject({ reason: z.string().nullish(), message: z.string().nullish() }).nullish(),
	running: z.looseObject({}).nullish(),
	terminated: z
		.looseObject({ exitCode: z.int(), reason: z.string().nullish(), message: z.string().nullish() })
		.nullish(),
});
const ContainerStatus = z.looseObject({
	name: z.string(),
	imageID: z.string().nullish(),
	state: State.nullish(),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

const Condition = z.looseObject({
	type: z.string(),
	status: z.string(),
	reason: z.string().nullish(),
	message: z.string().nullish(),
});

export const Pod = z.looseObject({
	metadata: z.looseObject({ name: z.string(), uid: z.string(), creationTimestamp: z.string().nullish() }),
	status: z.looseObject({
		phase: z.string().nullish(),
		reason: z.string().nullish(),
		message: z.string().nullish(),
		conditions: z.array(Condition).nullish(),
		initContainerStatuses: z.array(ContainerStatus).nullish(),
		containerStatuses: z.array(ContainerStatus).nullish(),
	}),
});
export type Pod = z.infer<typeof Pod>;

export const Pods = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }), items: z.array(Pod) });

export const Job = z.looseObject({
	metadata: z.looseObject({ name: z.string(), uid: z.string() }),
	spec: z.looseObject({ suspend: z.boolean().nullish() }),
	status: z.looseObject({ conditions: z.array(Condition).nullish() }).nullish(),
});
export type Job = z.infer<typeof Job>;

export const Events = z.looseObject({
	items: z.array(z.looseObject({ reason: z.string().nullish(), message: z.string().nullish() })),
});

/** A line of a watch. What it tells of is a `Pod`, or a `Status` where the watch is over. */
export const Watched = z.looseObject({ type: z.string(), object: z.unknown() });

export const Status = z.looseObject({ message: z.string().nullish() });
export const GitVersion = z.looseObject({ gitVersion: z.string() });
