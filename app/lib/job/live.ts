import { Job } from '#domain/job.ts';
import { live } from '#lib/live/live.svelte.ts';

export const jobs = live.also('job', Job);
