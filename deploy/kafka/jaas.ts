/** What one user of the broker logs in with. */
export type Login = readonly [user: string, password: string];

/**
 * The JAAS text by which a listener of Kafka checks passwords (SASL/PLAIN).
 *
 * @param section `KafkaServer`: of every listener; `sasl.KafkaServer`: of the one named SASL
 * @param own     what the broker itself logs in with at another broker
 */
export function plainLogins(section: string, users: readonly Login[], own?: Login): string {
  const options = [
    ...(own ? [`username=${JSON.stringify(own[0])}`, `password=${JSON.stringify(own[1])}`] : []),
    ...users.map(([user, password]) => `user_${user}=${JSON.stringify(password)}`),
  ];
  const lines = options.map((option) => `  ${option}`).join('\n');
  return `${section} {\n  org.apache.kafka.common.security.plain.PlainLoginModule required\n${lines};\n};\n`;
}
