/** JetStream's API level: what the announced version stands for. A client may demand no more (`Nats-Required-Api-Level`). */
export const API_LEVEL = 0
