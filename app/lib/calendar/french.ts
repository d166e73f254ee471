import fr from 'fullcalendar/locales/fr';

/** The calendar in French, with the words its own French does not have. */
export const french = {
	...fr,
	closeHint: 'Fermer',
	eventsHint: 'Événements',
	timedText: 'À une heure',
	todayHint: 'Aujourd’hui',
	prevHint: '$0 : précédent',
	nextHint: '$0 : suivant',
	viewHint: 'Vue $0',
	viewChangeHint: 'Changer de vue',
	navLinkHint: 'Aller à $0',
	moreLinkHint: (n: number) => (n > 1 ? `Montrer ${String(n)} entrées de plus` : 'Montrer une entrée de plus'),
};
