/** Bindings that wrangler.toml does not know. */
interface __BaseEnv_Env {
	/** Given by the local launcher alone. */
	UHUB_LOCAL?: '1';
	/** Given by the local launcher alone: a network with private addresses in it, for an identity provider at home. */
	OIDC_NETWORK?: Pick<Fetcher, 'fetch'>;
	/** Given by the local launcher alone: the internet, and those private networks that webhooks may reach. */
	WEBHOOK_NETWORK?: Pick<Fetcher, 'fetch'>;
	/** Where the hub is reached from outside: docs/deploy.md. */
	UHUB_PUBLIC_URL?: string;
	/** Networks of one's own that webhooks may reach: docs/integrations.md. */
	UHUB_WEBHOOK_NETWORKS?: string;
	// How mails leave the hub: docs/deploy.md.
	UHUB_MAIL_URL?: string;
	UHUB_MAIL_KEY?: string;
	UHUB_MAIL_FROM?: string;
	UHUB_MAIL_TEMPLATE?: string;
	UHUB_MAIL_AGENT?: string;
	// What the operator may say of sign-in: docs/deploy.md.
	UHUB_PASSWORD_SIGN_IN?: string;
	UHUB_OIDC_ISSUER?: string;
	UHUB_OIDC_CLIENT_ID?: string;
	UHUB_OIDC_CLIENT_SECRET?: string;
	UHUB_OIDC_SCOPES?: string;
	UHUB_OIDC_LABEL?: string;
	UHUB_OIDC_ROLE_CLAIM?: string;
	UHUB_OIDC_ROLES?: string;
	UHUB_OIDC_DEFAULT_ROLE?: string;
	UHUB_OIDC_CREATE?: string;
}
