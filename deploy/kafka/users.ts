/** Who logs in at Kafka: `admin` (super user) makes topics and rights, the others have the rights of access.ts. */
export const KAFKA_USERS = ['admin', 'issuance', 'acceptance', 'suspension', 'status-query', 'crl-publisher'] as const;
export type KafkaUser = (typeof KAFKA_USERS)[number];
