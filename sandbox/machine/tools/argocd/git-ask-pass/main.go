// The helper that Git calls for a user name or a token, which Argo CD's repo server knows. Argo CD's own helper is one of
// the names of its big binary, and takes longer to start than all the rest of a fetch; Git calls it twice.
//
// Source of the protocol: https://github.com/argoproj/argo-cd/blob/v3.6.1/util/askpass/askpass.proto
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of the answer.
const (
	username protowire.Number = 1
	password protowire.Number = 2
)

// plain sends and receives messages as they are on the wire.
type plain struct{}

func (plain) Name() string                        { return "proto" }
func (plain) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (plain) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: argocd-git-ask-pass PROMPT"))
	}
	wanted := password
	if strings.HasPrefix(os.Args[1], "Username") {
		wanted = username
	}
	answer, err := ask(os.Getenv("ARGOCD_ASK_PASS_SOCK"), os.Getenv("ARGOCD_GIT_ASKPASS_NONCE"))
	if err != nil {
		fail(err)
	}
	fmt.Println(field(answer, wanted))
}

func ask(socket, nonce string) ([]byte, error) {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	question := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), nonce)
	var answer []byte
	err = connection.Invoke(ctx, "/askpass.AskPassService/GetCredentials", &question, &answer, grpc.ForceCodec(plain{}))
	return answer, err
}

func field(message []byte, wanted protowire.Number) string {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			break
		}
		message = message[length:]
		if number == wanted && kind == protowire.BytesType {
			value, _ := protowire.ConsumeString(message)
			return value
		}
		length = protowire.ConsumeFieldValue(number, kind, message)
		if length < 0 {
			break
		}
		message = message[length:]
	}
	return ""
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "argocd-git-ask-pass:", err)
	os.Exit(1)
}
