import { plainLine } from './common.ts';
import type { IncidentRole, Severity } from './incident.ts';
import type { Notification, NotificationAbout, NotificationEvent } from './notification.ts';
import type { Locale } from './user.ts';

type Told = Pick<Notification, 'event' | 'about'>;
type Sentence = (title: string, about: NotificationAbout) => string;

interface Words {
	one: Record<NotificationEvent, Sentence>;
}

const severities: Record<Locale, Record<Severity, string>> = {
	en: { low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
	fr: { low: 'faible', medium: 'moyen', high: 'élevé', critical: 'critique' },
};
const roles: Record<Locale, Record<IncidentRole, string>> = {
	en: { commander: 'commander', scribe: 'scribe', comms: 'communications' },
	fr: { commander: 'responsable', scribe: 'scribe', comms: 'communication' },
};

/** What is said of each event, in the page, by the browser and in a mail alike. */
const words: Record<Locale, Words> = {
	en: {
		one: {
			'run.failed': (title, { status }) => `Your run ${status === 'lost' ? 'was lost' : 'failed'}: ${title}`,
			'run.ended': (title, { status }) => `Your run ${status === 'canceled' ? 'was canceled' : 'succeeded'}: ${title}`,
			'project.run_failed': (title, { status }) => `A run ${status === 'lost' ? 'was lost' : 'failed'}: ${title}`,
			'run.needs_approval': (title) => `A run waits for approval: ${title}`,
			'run.decided': (title, { decision }) =>
				`Your run was ${decision === 'rejected' ? 'rejected' : 'approved'}: ${title}`,
			'run.missed': (title) => `A job you planned was missed: ${title}`,
			'incident.opened': (title, { severity }) => `Incident (${severities.en[severity ?? 'low']}): ${title}`,
			'incident.role': (title, { role }) => `You have a role (${roles.en[role ?? 'commander']}): ${title}`,
			'action.due': (title) => `Due now: ${title}`,
			'agent.offline': (title) => `The agent ${title} is offline`,
			test: () => 'This is a test: it arrives',
		},
	},
	fr: {
		one: {
			'run.failed': (title, { status }) =>
				`Votre exécution ${status === 'lost' ? 'est perdue' : 'a échoué'} : ${title}`,
			'run.ended': (title, { status }) =>
				`Votre exécution ${status === 'canceled' ? 'a été annulée' : 'a réussi'} : ${title}`,
			'project.run_failed': (title, { status }) =>
				`Une exécution ${status === 'lost' ? 'est perdue' : 'a échoué'} : ${title}`,
			'run.needs_approval': (title) => `Une exécution attend une approbation : ${title}`,
			'run.decided': (title, { decision }) =>
				`Votre exécution est ${decision === 'rejected' ? 'refusée' : 'approuvée'} : ${title}`,
			'run.missed': (title) => `Un job que vous aviez planifié n’a pas démarré à temps : ${title}`,
			'incident.opened': (title, { severity }) => `Incident (${severities.fr[severity ?? 'low']}) : ${title}`,
			'incident.role': (title, { role }) => `Vous avez un rôle (${roles.fr[role ?? 'commander']}) : ${title}`,
			'action.due': (title) => `À faire maintenant : ${title}`,
			'agent.offline': (title) => `L’agent ${title} est hors ligne`,
			test: () => 'Ceci est un essai : il arrive',
		},
	},
};

/** One line, whatever the title is made of. */
export const sentence = ({ event, about }: Told, locale: Locale): string =>
	words[locale].one[event](plainLine(about.title), about);
