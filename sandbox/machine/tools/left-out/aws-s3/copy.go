// Package s3 stands for AWS's client of S3, which is left out. Pulumi names one of its types, also where state is in a file.
package s3

type CopyObjectInput struct{ CopySource *string }
