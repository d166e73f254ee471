import { ApiError } from '#client/api-error.ts';
import { m } from '#lib/paraglide/messages.js';

export interface Notice {
	id: number;
	tone: 'danger' | 'success' | 'info';
	title: string;
	detail: string;
	request_id: string | null;
	action: { label: string; run: () => void } | null;
}

let next = 1;

/** What the page tells in passing. Errors stay until they are closed; the rest goes by itself. */
class Notices {
	all = $state<Notice[]>([]);

	#add(notice: Omit<Notice, 'id'>) {
		const id = next++;
		this.all = [...this.all.slice(-3), { id, ...notice }];
		if (notice.tone !== 'danger')
			setTimeout(() => {
				this.close(id);
			}, 6000);
	}

	close(id: number) {
		this.all = this.all.filter((n) => n.id !== id);
	}

	say(title: string, action: Notice['action'] = null) {
		this.#add({ tone: 'success', title, detail: '', request_id: null, action });
	}

	/** `kept` says what became of the person's work. */
	error(error: unknown, title: string, kept = '') {
		const told = error instanceof ApiError ? explain(error) : m.error_unexpected();
		const request_id = error instanceof ApiError ? error.problem.request_id : null;
		if (!(error instanceof ApiError)) console.error(error);
		this.#add({ tone: 'danger', title, detail: [told, kept].filter(Boolean).join(' '), request_id, action: null });
	}
}

/** A refusal in the viewer's language where the hub's own sentence adds nothing to it. */
export function explain(error: ApiError): string {
	switch (error.problem.code) {
		case 'no_answer':
			return m.error_no_answer();
		case 'not_signed_in':
			return m.error_not_signed_in();
		case 'not_found':
			return m.error_not_found();
		case 'too_many':
			return m.error_too_many();
		case 'unavailable':
			return m.error_unavailable();
		default:
			return error.status >= 500 ? m.error_fault() : error.message;
	}
}

export const notices = new Notices();
