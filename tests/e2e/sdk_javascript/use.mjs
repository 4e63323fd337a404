// Uses one service through the AWS SDK for JavaScript v3 and prints what it saw as JSON.
// usage: node use.mjs DIRECTORY-WITH-NODE_MODULES SERVICE NAME, with endpoint, Region and credentials in the environment

import { createRequire } from "node:module";
import { createHmac, createPublicKey, createVerify } from "node:crypto";
import { join } from "node:path";

const [directory, service, name] = process.argv.slice(2);
const require = createRequire(join(directory, "package.json"));
const sdk = (client) => require(`@aws-sdk/client-${client}`);

// The code and the words of a refusal.
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { code: error.name, message: error.message, status: error.$metadata?.httpStatusCode };
  }
  return null;
}

async function pages(paginator, member) {
  const found = [];
  for await (const page of paginator) found.push(...(page[member] ?? []));
  return found;
}

const uses = {
  async "secrets-manager"() {
    const { SecretsManager, paginateListSecrets } = sdk("secrets-manager");
    const client = new SecretsManager({});
    const made = await client.createSecret({ Name: name, SecretString: "one", Tags: [{ Key: "k", Value: "v" }] });
    const put = await client.putSecretValue({ SecretId: name, SecretBinary: new Uint8Array([0, 255, 7]) });
    const now = await client.getSecretValue({ SecretId: made.ARN });
    const before = await client.getSecretValue({ SecretId: name, VersionStage: "AWSPREVIOUS" });
    const listed = await pages(paginateListSecrets({ client, pageSize: 1 }, {}), "SecretList");
    return {
      binary: [...now.SecretBinary],
      before: before.SecretString,
      versions: [now.VersionId === put.VersionId, before.VersionId === made.VersionId],
      listed: listed.some((secret) => secret.Name === name && secret.CreatedDate instanceof Date),
      missing: await refusal(client.getSecretValue({ SecretId: "not-there" })),
    };
  },

  async kms() {
    const { KMS } = sdk("kms");
    const client = new KMS({});
    const key = (await client.createKey({ Description: name })).KeyMetadata;
    const context = { EncryptionContext: { purpose: name } };
    const sealed = await client.encrypt({ KeyId: key.KeyId, Plaintext: Buffer.from("plain"), ...context });
    const opened = await client.decrypt({ CiphertextBlob: sealed.CiphertextBlob, ...context });
    const signing = (await client.createKey({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).KeyMetadata;
    const signed = await client.sign({ KeyId: signing.KeyId, Message: Buffer.from("text"), SigningAlgorithm: "ECDSA_SHA_256" });
    const { PublicKey } = await client.getPublicKey({ KeyId: signing.KeyId });
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    return {
      opened: Buffer.from(opened.Plaintext).toString(),
      verified: createVerify("sha256").update("text").verify(publicKey, Buffer.from(signed.Signature)),
      otherContext: await refusal(client.decrypt({ CiphertextBlob: sealed.CiphertextBlob })),
      created: key.CreationDate instanceof Date,
    };
  },

  async ssm() {
    const { SSM, paginateGetParametersByPath } = sdk("ssm");
    const client = new SSM({});
    for (const at of [1, 2, 3]) {
      await client.putParameter({ Name: `/${name}/p${at}`, Value: `v${at}`, Type: at === 3 ? "SecureString" : "String" });
    }
    const query = { Path: `/${name}`, Recursive: true, WithDecryption: true };
    const found = await pages(paginateGetParametersByPath({ client, pageSize: 2 }, query), "Parameters");
    return {
      values: found.map((parameter) => parameter.Value).sort(),
      sealed: (await client.getParameter({ Name: `/${name}/p3` })).Parameter.Value !== "v3",
      exists: await refusal(client.putParameter({ Name: `/${name}/p1`, Value: "x", Type: "String" })),
    };
  },

  async "cloudwatch-logs"() {
    const { CloudWatchLogs, paginateFilterLogEvents } = sdk("cloudwatch-logs");
    const client = new CloudWatchLogs({});
    const where = { logGroupName: name, logStreamName: "s" };
    await client.createLogGroup({ logGroupName: name });
    await client.createLogStream(where);
    const timestamp = Date.now();
    const logEvents = ["one", "ERROR two", "ERROR three"].map((message, at) => ({ message, timestamp: timestamp + at }));
    await client.putLogEvents({ ...where, logEvents });
    const filter = { logGroupName: name, filterPattern: "ERROR" };
    return {
      read: (await client.getLogEvents({ ...where, startFromHead: true })).events.map((event) => event.message),
      found: (await pages(paginateFilterLogEvents({ client, pageSize: 1 }, filter), "events")).map((event) => event.message),
      missing: await refusal(client.putLogEvents({ ...where, logStreamName: "other", logEvents })),
    };
  },

  async s3() {
    const { S3, paginateListObjectsV2 } = sdk("s3");
    const client = new S3({ forcePathStyle: true });
    const at = (Key) => ({ Bucket: name, Key });
    await client.createBucket({ Bucket: name });
    await client.putObject({ ...at("a b/ü.env"), Body: "A=1\n" });
    const upload = await client.createMultipartUpload(at("large"));
    const parts = [];
    for (const [number, size] of [[1, 5 << 20], [2, 10]]) {
      const part = { ...at("large"), UploadId: upload.UploadId, PartNumber: number, Body: Buffer.alloc(size, number) };
      parts.push({ ETag: (await client.uploadPart(part)).ETag, PartNumber: number });
    }
    await client.completeMultipartUpload({ ...at("large"), UploadId: upload.UploadId, MultipartUpload: { Parts: parts } });
    const range = await client.getObject({ ...at("large"), Range: "bytes=5242879-5242881" });
    const listed = await pages(paginateListObjectsV2({ client, pageSize: 1 }, { Bucket: name }), "Contents");
    return {
      text: await (await client.getObject(at("a b/ü.env"))).Body.transformToString(),
      range: [...(await range.Body.transformToByteArray())],
      listed: listed.map((object) => object.Key),
      missing: await refusal(client.getObject(at("none"))),
    };
  },

  async ecr() {
    const { ECR } = sdk("ecr");
    const client = new ECR({});
    const made = (await client.createRepository({ repositoryName: name })).repository;
    const { authorizationData } = await client.getAuthorizationToken({});
    return {
      uri: made.repositoryUri.endsWith(name),
      token: Buffer.from(authorizationData[0].authorizationToken, "base64").toString().startsWith("AWS:"),
      expires: authorizationData[0].expiresAt - Date.now() > 11 * 3600 * 1000,
      noPolicy: await refusal(client.getRepositoryPolicy({ repositoryName: name })),
    };
  },

  async ecs() {
    const { ECS } = sdk("ecs");
    const client = new ECS({});
    await client.createCluster({ clusterName: name });
    const container = { name: "main", image: "busybox", repositoryCredentials: { credentialsParameter: "hub" } };
    const definition = { family: name, cpu: "256", memory: "512", networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"] };
    const withoutRole = await refusal(client.registerTaskDefinition({ ...definition, containerDefinitions: [container] }));
    delete container.repositoryCredentials;
    const made = (await client.registerTaskDefinition({ ...definition, containerDefinitions: [container] })).taskDefinition;
    return {
      revision: made.revision,
      registered: made.registeredAt instanceof Date,
      clusters: (await client.listClusters({})).clusterArns.some((arn) => arn.endsWith(`/${name}`)),
      withoutRole,
    };
  },

  async iam() {
    const { IAM } = sdk("iam");
    const { STS } = sdk("sts");
    const iam = new IAM({});
    const sts = new STS({});
    const account = (await sts.getCallerIdentity({})).Account;
    const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { AWS: account }, Action: "sts:AssumeRole" }] };
    const role = (await iam.createRole({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) })).Role;
    const session = await sts.assumeRole({ RoleArn: role.Arn, RoleSessionName: "js" });
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = session.Credentials;
    const { SecretsManager } = sdk("secrets-manager");
    const theirs = new SecretsManager({ credentials: { accessKeyId, secretAccessKey, sessionToken } });
    return {
      assumed: session.AssumedRoleUser.Arn.endsWith(`:assumed-role/${name}/js`),
      denied: await refusal(theirs.listSecrets({})),
      missing: await refusal(iam.getRole({ RoleName: "not-there" })),
    };
  },

  async lightsail() {
    const { Lightsail } = sdk("lightsail");
    const client = new Lightsail({});
    const made = (await client.createContainerService({ serviceName: name, power: "nano", scale: 1 })).containerService;
    const again = await refusal(client.createContainerService({ serviceName: name, power: "nano", scale: 1 }));
    let state = "PENDING";
    while (state === "PENDING") {
      await new Promise((resolve) => setTimeout(resolve, 100));
      state = (await client.getContainerServices({ serviceName: name })).containerServices[0].state;
    }
    await client.deleteContainerService({ serviceName: name });
    return { name: made.containerServiceName, state, again };
  },
};

console.log(JSON.stringify(await uses[service]()));
