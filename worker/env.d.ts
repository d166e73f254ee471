/** Bindings that only the local launcher gives, so wrangler.toml does not know them. */
interface __BaseEnv_Env {
	UHUB_LOCAL?: '1';
}
