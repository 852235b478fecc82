import { join } from 'node:path';

/** What the configuration of a Synapse depends on. */
export interface SynapseSetting {
  readonly directory: string;
  readonly serverName: string;
  readonly port: number;
  readonly registrations: readonly string[];
  readonly registrationSecret: string;
}

const unlimited = { per_second: 10_000, burst_count: 10_000 };

/**
 * The keys of `homeserver.yaml` (JSON is YAML): on loopback only, without federation, on SQLite, everybody may
 * register, and nothing is limited by rate.
 */
export function synapseConfig(setting: SynapseSetting): Readonly<Record<string, unknown>> {
  const { directory, serverName, port, registrations, registrationSecret } = setting;
  return {
    server_name: serverName,
    public_baseurl: `http://127.0.0.1:${port}/`,
    listeners: [{ port, bind_addresses: ['127.0.0.1'], type: 'http', resources: [{ names: ['client'] }] }],
    database: { name: 'sqlite3', args: { database: join(directory, 'homeserver.db') } },
    log_config: join(directory, 'log.yaml'),
    media_store_path: join(directory, 'media'),
    signing_key_path: join(directory, 'signing.key'),
    macaroon_secret_key: 'a secret of tests',
    form_secret: 'a secret of tests',
    registration_shared_secret: registrationSecret,
    report_stats: false,
    trusted_key_servers: [],
    federation_domain_whitelist: [],
    presence: { enabled: false },
    enable_registration: true,
    enable_registration_without_verification: true,
    app_service_config_files: registrations,
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_joins: { local: unlimited, remote: unlimited },
    rc_joins_per_room: unlimited,
    rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
    rc_room_creation: unlimited,
    rc_delayed_event_mgmt: unlimited,
    rc_admin_redaction: unlimited,
    rc_profile: unlimited,
  };
}

/** Warnings and worse to standard error, which goes to the log file with what Python says before Synapse runs. */
export const synapseLogConfig = {
  version: 1,
  formatters: { line: { format: '%(asctime)s %(levelname)s %(name)s %(request)s %(message)s' } },
  handlers: { stderr: { class: 'logging.StreamHandler', formatter: 'line' } },
  root: { level: 'WARNING', handlers: ['stderr'] },
  disable_existing_loggers: false,
};
