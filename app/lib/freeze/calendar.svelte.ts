import { type FreezeTime, freezesWithin } from '#domain/freeze.ts';
import { JobView } from '#domain/job.ts';
import { api } from '#lib/api/client.ts';
import { m } from '#lib/paraglide/messages.js';
import { clock } from '#lib/ui/clock.svelte.ts';
import { notices } from '#lib/ui/notices.svelte.ts';
import { onceEach } from './once-each.ts';

/** The freezes of the time that a calendar shows. */
export class CalendarFreezes {
	all = $state.raw<FreezeTime[]>([]);
	readonly told = $derived(onceEach(this.all, clock.now));

	/** A job was put there and stays; that its runs will wait is worth a word. Which freezes hold depends on its environment. */
	async tell(job: { id: number; project_id: number; title: string }, window: { start: string; end: string | null }) {
		const near = this.all.filter((f) => f.project_id === null || f.project_id === job.project_id);
		if (near.length === 0) return;
		try {
			const { environment_id } = await api.get(`/jobs/${String(job.id)}`, JobView);
			const within = freezesWithin(near, environment_id, window).map((f) => f.title);
			const freezes = within.filter((title, i) => within.indexOf(title) === i);
			if (freezes.length > 0) notices.say(m.freeze_moved_into({ title: job.title, freezes: freezes.join(', ') }));
		} catch {
			// The job's own page tells it again.
		}
	}
}
